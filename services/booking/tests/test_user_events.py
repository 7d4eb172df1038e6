"""Whatever the order of auth's events about a user, booking ends in auth's state."""

from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from sqlalchemy import text

from domain.roles import Role
from services.booking.tests.conftest import FREJA, user_state
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.testing.histories import Delivered, History, few, user_histories
from shared.testing.types import Deliver

STATE = text("""
    SELECT c.name, c.phone, c.email, c.active, coalesce(l.active, false) AS takes_bookings
    FROM booking.customers c LEFT JOIN booking.locticians l ON l.loctician_id = c.id WHERE c.id = :user
""")


async def stored(database: Database, user_id: str) -> Any:
    async with transaction(database, SERVICE_CLAIMS) as session:
        row = (await session.execute(STATE, {"user": UUID(user_id)})).one_or_none()
    return row and tuple(row)


class TestUsers:
    @few
    @given(history=user_histories(tuple(Role)))
    async def test_any_order_of_events_ends_in_the_newest_state(
        self, history: History, deliver: Deliver, database: Database
    ) -> None:
        async def check(events: Delivered, user_id: str) -> None:
            for type_, data in events:
                await deliver(type_, data | {"user_id": user_id}, event_id=new_id())
            final = history.final
            takes_bookings = final["active"] and final["role"] == Role.LOCTICIAN
            person = (final["full_name"], final["phone"], final["email"])
            assert await stored(database, user_id) == (*person, final["active"], takes_bookings)

        await check(history.delivered, history.final["user_id"])
        await check(history.republished, str(uuid4()))

    async def test_a_new_role_does_not_reactivate(self, deliver: Deliver, database: Database) -> None:
        person = uuid4()
        await deliver("user.registered.v1", user_state(person, "loctician"), version=1)
        await deliver("user.deactivated.v1", user_state(person, "loctician", active=False), version=2)
        await deliver("user.role_changed.v1", user_state(person, "staff", active=False), version=3)
        await deliver("user.role_changed.v1", user_state(person, "loctician", active=False), version=4)
        assert await stored(database, str(person)) == (*FREJA, False, False)

    async def test_a_late_registration_adds_no_loctician(self, deliver: Deliver, database: Database) -> None:
        person = uuid4()
        await deliver("user.role_changed.v1", user_state(person, "customer"), version=2)
        await deliver("user.registered.v1", user_state(person, "loctician"), version=1)
        assert await stored(database, str(person)) == (*FREJA, True, False)

    async def test_an_erased_person_stays_erased(self, deliver: Deliver, database: Database) -> None:
        person = uuid4()
        await deliver("user.registered.v1", user_state(person, "loctician"), version=1)
        erasure = {"subject_id": str(person), "request_id": str(uuid4()), "services": ["booking"], "version": 1}
        await deliver("gdpr.erasure_requested.v1", erasure)
        await deliver("user.updated.v1", user_state(person, "loctician"), version=9)
        assert await stored(database, str(person)) is None
