"""Publishing the current state of users again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.auth import privacy
from services.auth.republish import republish
from services.auth.tests.conftest import SignUp
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

    async def test_a_deactivated_user_is_published_as_such_and_an_erased_one_not_at_all(
        self, admin: dict[str, str], sign_up: SignUp, client: httpx.AsyncClient, database: Database, outbox: Outbox
    ) -> None:
        left, erased = await sign_up("left@example.com", "loctician"), await sign_up("erased@example.com", "customer")
        await client.delete(f"/api/v1/users/{left}", headers=admin)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, erased)
        seen = {event["id"] for event in await outbox()}
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC) - timedelta(hours=1)) == 2
        published = {event["data"]["user_id"]: event["data"] for event in await outbox() if event["id"] not in seen}
        assert published[str(left)].items() >= {"active": False, "role": "loctician", "version": 2}.items()
        assert str(erased) not in published
