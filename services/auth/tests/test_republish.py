"""Publishing the current state of users again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.auth.republish import republish
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


class TestRepublish:
    async def test_user_is_published_with_the_current_state(
        self, register: Callable[..., Awaitable[Any]], database: Database, outbox: Outbox
    ) -> None:
        await register()
        (first,) = [event for event in await outbox() if event["type"] == "user.registered.v1"]
        seen = {event["id"] for event in await outbox()}
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC) - timedelta(hours=1)) == 1
            assert await republish(session, datetime.now(UTC) + timedelta(seconds=5)) == 0
        (again,) = [event for event in await outbox() if event["id"] not in seen]
        assert (again["type"], again["data"]) == ("user.updated.v1", first["data"])
