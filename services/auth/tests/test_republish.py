"""Reading the current state of users, to publish it again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.auth import privacy
from services.auth.republish import read_users
from services.auth.tests.conftest import SignUp
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import Event
from shared.testing.types import Outbox


async def read(
    database: Database, after: str | None = None, limit: int = 100, since: datetime | None = None
) -> list[tuple[str, list[Event]]]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return list(await read_users(session, after, limit, since))


class TestUsers:
    async def test_a_user_is_read_with_the_current_state(
        self, register: Callable[..., Awaitable[Any]], database: Database, outbox: Outbox
    ) -> None:
        await register(verify=False)
        before = await outbox()
        (first,) = [event for event in before if event["type"] == "user.registered.v1"]
        [(key, events)] = await read(database)
        assert key == first["subject"]
        assert [(event.type_, event.model_dump(mode="json")) for event in events] == [
            ("user.updated.v1", first["data"])
        ]
        assert await read(database, since=datetime.now(UTC) + timedelta(seconds=5)) == []
        assert await read(database, after=key) == []
        assert await outbox() == before, "nothing is emitted"

    async def test_a_deactivated_user_is_read_as_such_and_an_erased_one_not_at_all(
        self, admin: dict[str, str], sign_up: SignUp, client: httpx.AsyncClient, database: Database
    ) -> None:
        left, erased = await sign_up("left@example.com", "loctician"), await sign_up("erased@example.com", "customer")
        await client.delete(f"/api/v1/users/{left}", headers=admin)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, erased)
        states = {key: events[0].model_dump(mode="json") for key, events in await read(database)}
        assert states[str(left)].items() >= {"active": False, "role": "loctician", "version": 2}.items()
        assert str(erased) not in states
