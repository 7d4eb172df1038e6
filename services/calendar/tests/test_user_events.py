"""Whatever the order of auth's events about a user, calendar ends in auth's state."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from hypothesis import given
from sqlalchemy import text

from domain.roles import Role
from services.calendar.tests.conftest import user_state
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.testing.histories import History, few, user_histories
from shared.testing.types import Deliver, Headers

LANGUAGE = text("SELECT language FROM calendar.languages WHERE person_id = :person")


async def stored(database: Database, user_id: str) -> Any:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return (await session.execute(LANGUAGE, {"person": UUID(user_id)})).scalar_one_or_none()


class TestUsers:
    @few
    @given(history=user_histories(tuple(Role)))
    async def test_any_order_of_events_ends_in_the_newest_state(
        self,
        history: History,
        deliver: Deliver,
        database: Database,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        for events, user_id in ((history.delivered, history.final["user_id"]), (history.republished, str(uuid4()))):
            path = f"/api/v1/calendar/{user_id}/feed"
            headers = auth_headers(Role.LOCTICIAN, UUID(user_id))
            assert (await client.post(path, headers=headers)).status_code == 201
            for type_, data in events:
                await deliver(type_, data | {"user_id": user_id}, event_id=new_id())
            assert await stored(database, user_id) == history.final["language"]
            if not history.final["active"] or history.final["role"] == Role.CUSTOMER:
                assert (await client.get(path, headers=headers)).status_code == 404

    async def test_an_erased_person_stays_erased(self, deliver: Deliver, database: Database) -> None:
        person = uuid4()
        await deliver("user.registered.v1", user_state(person))
        erasure = {"subject_id": str(person), "request_id": str(uuid4()), "services": ["calendar"], "version": 1}
        await deliver("gdpr.erasure_requested.v1", erasure)
        await deliver("user.updated.v1", user_state(person, version=9))
        assert await stored(database, str(person)) is None
