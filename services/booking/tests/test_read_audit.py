"""What employees are shown of others is audited; reading one's own data is not."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.tests.conftest import AMINA, JONAS, Book, Caller, SignIn, at, user_state
from services.booking.tests.test_waitlist import wait
from shared.privacy.events import AccessRead
from shared.testing.types import Outbox

Reads = Any
SALON = [("loctician", AMINA), ("staff", None), ("admin", None)]


@pytest.fixture
def reads(outbox: Outbox) -> Reads:
    """The reads that were published: the reader, what was read, the people."""

    async def read() -> list[tuple[str, str, set[UUID]]]:
        recorded = []
        for event in await outbox():
            if event["type"] == "access.read.v1":
                seen = AccessRead.model_validate(event["data"])
                people = {seen.subject_id} if seen.subject_id else set(seen.subject_ids)
                recorded.append((event["actorid"], seen.resource, people))
        return recorded

    return read


@pytest.fixture
async def booked(book: Book, customer: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=customer.id, notes="Ømt hår")).json())


@pytest.mark.parametrize(("role", "person"), SALON)
class TestSalon:
    async def test_a_booking_and_its_history_are_audited_separately(
        self, role: str, person: UUID | None, booked: dict[str, Any], customer: Caller, sign_in: SignIn, reads: Reads
    ) -> None:
        reader = sign_in(role, person)
        assert (await reader.get(f"/bookings/{booked['id']}")).status_code == 200
        assert (await reader.get(f"/bookings/{booked['id']}/history")).status_code == 200
        expected = [(str(reader.id), what, {customer.id}) for what in ("booking", "booking.history")]
        assert await reads() == expected

    async def test_a_list_is_audited_once_with_all_customers_on_it(
        self, role: str, person: UUID | None, booked: dict[str, Any], customer: Caller, sign_in: SignIn, reads: Reads,
        book: Book, salon: date,
    ) -> None:  # fmt: skip
        other, unseen = uuid4(), uuid4()
        for clock, customer_id in (("12:00", other), ("14:00", unseen)):
            await book(at(salon, clock), customer=customer_id)
        reader = sign_in(role, person)
        assert len((await reader.get("/bookings", limit="2")).json()["items"]) == 2
        assert await reads() == [(str(reader.id), "bookings", {customer.id, other})]

    async def test_what_is_not_shown_is_not_audited(
        self, role: str, person: UUID | None, booked: dict[str, Any], sign_in: SignIn, reads: Reads
    ) -> None:
        reader = sign_in(role, person)
        assert (await reader.get("/bookings", status="no_show")).json()["items"] == []
        assert (await reader.get(f"/bookings/{uuid4()}")).status_code == 404
        assert (await sign_in("loctician", JONAS).get(f"/bookings/{booked['id']}")).status_code == 404
        assert await reads() == []

    async def test_a_change_that_changes_nothing_is_a_read(
        self, role: str, person: UUID | None, booked: dict[str, Any], customer: Caller, sign_in: SignIn, reads: Reads
    ) -> None:
        reader = sign_in(role, person)
        same = {"start": booked["start"]}
        for match in ('"1"', "*"):
            answer = await reader.put(f"/bookings/{booked['id']}", same, If_Match=match)
            assert (answer.status_code, answer.json()["version"]) == (200, 1)
        assert await reads() == [(str(reader.id), "booking", {customer.id})] * 2
        await reader.put(f"/bookings/{booked['id']}", {"internal_notes": "Ny"}, 1)
        assert len(await reads()) == 2


class TestOthers:
    async def test_ones_own_bookings_are_not_audited(
        self, booked: dict[str, Any], customer: Caller, salon: date, reads: Reads
    ) -> None:
        await wait(customer, salon)
        for path in ("/bookings", f"/bookings/{booked['id']}", f"/bookings/{booked['id']}/history", "/waitlist"):
            assert (await customer.get(path)).status_code == 200
        assert await reads() == []

    async def test_the_waitlist_is_audited_for_staff(
        self, customer: Caller, salon: date, sign_in: SignIn, reads: Reads
    ) -> None:
        await wait(customer, salon)
        staff = sign_in("staff")
        assert len((await staff.get("/waitlist")).json()["items"]) == 1
        assert (await sign_in("loctician", AMINA).get("/waitlist")).json()["items"] == []
        assert await reads() == [(str(staff.id), "waitlist", {customer.id})]

    async def test_walk_ins_are_not_audited(self, book: Book, salon: date, sign_in: SignIn, reads: Reads) -> None:
        await book(at(salon, "10:00"), role="staff", walk_in={"name": "Åse"})
        assert len((await sign_in("staff").get("/bookings")).json()["items"]) == 1
        assert await reads() == []

    async def test_private_profiles_are_audited(
        self, salon: date, sign_in: SignIn, customer: Caller, reads: Reads, deliver: Any
    ) -> None:
        await deliver("user.deactivated.v1", user_state(JONAS, "loctician", active=False), version=3)
        for path in ("/locticians", f"/locticians/{AMINA}"):
            assert (await customer.get(path)).status_code == 200
        assert (await sign_in("loctician", AMINA).get(f"/locticians/{AMINA}")).status_code == 200
        assert await reads() == []
        staff = sign_in("staff")
        assert len((await staff.get("/locticians", include_inactive="true")).json()["items"]) == 2
        assert (await staff.get(f"/locticians/{AMINA}")).status_code == 200
        assert await reads() == [(str(staff.id), "loctician", {JONAS}), (str(staff.id), "loctician", {AMINA})]
