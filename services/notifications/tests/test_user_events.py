"""Whatever the order of auth's events about a user, notifications ends in auth's state."""

from typing import Any
from uuid import UUID, uuid4

from hypothesis import given

from domain.roles import Role
from services.notifications.contacts.queries import find_contact
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.testing.histories import History, few, user_histories
from shared.testing.types import Deliver

COLUMNS = ("email", "full_name", "phone", "language", "role", "active")


async def stored(database: Database, user_id: str) -> Any:
    async with transaction(database, SERVICE_CLAIMS) as session:
        contact = await find_contact(session, UUID(user_id))
    return contact and {name: contact[name] for name in COLUMNS}


class TestUsers:
    @few
    @given(history=user_histories(tuple(Role)))
    async def test_any_order_of_events_ends_in_the_newest_state(
        self, history: History, deliver: Deliver, database: Database
    ) -> None:
        for events, user_id in ((history.delivered, history.final["user_id"]), (history.republished, str(uuid4()))):
            for type_, data in events:
                await deliver(type_, data | {"user_id": user_id}, event_id=new_id())
            assert await stored(database, user_id) == {name: history.final[name] for name in COLUMNS}

    @few
    @given(history=user_histories(tuple(Role)))
    async def test_an_erased_person_stays_erased(self, history: History, deliver: Deliver, database: Database) -> None:
        user_id = history.final["user_id"]
        await deliver(*history.delivered[0], event_id=new_id())
        erasure = {"subject_id": user_id, "request_id": str(uuid4()), "services": ["notifications"], "version": 1}
        await deliver("gdpr.erasure_requested.v1", erasure)
        for type_, data in history.delivered:
            await deliver(type_, data, event_id=new_id())
        assert await stored(database, user_id) == dict.fromkeys(COLUMNS) | {"active": False}
