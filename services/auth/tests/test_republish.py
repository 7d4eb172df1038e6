from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.auth.republish import republish
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]


class TestRepublish:
    async def test_a_person_is_told_of_as_they_are_known(
        self, register: Callable[..., Awaitable[Any]], database: Database, outbox: Outbox
    ) -> None:
        await register()
        (first,) = [one for one in await outbox() if one["type"] == "user.registered.v1"]
        seen = {one["id"] for one in await outbox()}
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC) - timedelta(hours=1)) == 1
            assert await republish(session, datetime.now(UTC) + timedelta(seconds=5)) == 0
        (again,) = [one for one in await outbox() if one["id"] not in seen]
        assert (again["type"], again["data"]) == ("user.updated.v1", first["data"])
