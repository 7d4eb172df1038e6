"""Whatever the order of auth's events about a user, gdpr ends in auth's state."""

from typing import Any
from uuid import UUID, uuid4

from hypothesis import given

from domain.roles import Role
from services.gdpr.people.queries import erase_person, find_person
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.testing.histories import History, few, user_histories
from shared.testing.types import Deliver


async def stored(database: Database, user_id: str) -> Any:
    async with transaction(database, SERVICE_CLAIMS) as session:
        person = await find_person(session, UUID(user_id))
    return person and (person.role, person.active)


class TestUsers:
    @few
    @given(history=user_histories(tuple(Role)))
    async def test_any_order_of_events_ends_in_the_newest_state(
        self, history: History, deliver: Deliver, database: Database
    ) -> None:
        for events, user_id in ((history.delivered, history.final["user_id"]), (history.republished, str(uuid4()))):
            for type_, data in events:
                await deliver(type_, data | {"user_id": user_id}, event_id=new_id())
            assert await stored(database, user_id) == (history.final["role"], history.final["active"])

    @few
    @given(history=user_histories(tuple(Role)))
    async def test_an_erased_person_stays_erased(self, history: History, deliver: Deliver, database: Database) -> None:
        user_id = history.final["user_id"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            await erase_person(session, UUID(user_id))
        for type_, data in history.delivered:
            await deliver(type_, data, event_id=new_id())
        assert await stored(database, user_id) == (None, False)
