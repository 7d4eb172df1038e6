"""Several treatments in one sitting, performed by several locticians one after the other."""

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.booking.events import BookingCreated
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    OpenOn,
    SignIn,
    at,
    booking_body,
    code,
)
from services.booking.tests.test_slots import clocks, search
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

REPAIR = UUID(int=5)
SOFIE = UUID(int=0xC)


async def add_repair(database: Database) -> None:
    """A treatment of 60 minutes with 10 before and 20 after it, which Jonas alone performs."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(
            text(
                "INSERT INTO booking.treatments (id, translations, category, duration_minutes, buffer_before_minutes,"
                ' buffer_after_minutes, price_amount) VALUES (:id, \'{"da"\\: {"name"\\: "Reparation", "description"\\:'
                ' ""}, "en"\\: {"name"\\: "Repair", "description"\\: ""}}\', \'repair\', 60, 10, 20, 80000)'
            ),
            {"id": REPAIR},
        )
        offer = "INSERT INTO booking.loctician_treatments (loctician_id, treatment_id) VALUES (:loctician, :id)"
        await session.execute(text(offer), {"loctician": JONAS, "id": REPAIR})


@pytest.fixture
async def repair(salon: date, database: Database) -> UUID:
    await add_repair(database)
    return REPAIR


def performers_and_times(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(item["loctician_id"], item["start"][11:16], item["end"][11:16]) for item in items]


class TestShared:
    async def test_slots_contain_who_performs_what_and_when(
        self, client: httpx.AsyncClient, repair: UUID, salon: date
    ) -> None:
        items = (await search(client, salon, STYLING, repair)).json()["items"]
        assert clocks(items)[:2] == ["09:00", "09:15"]
        assert clocks(items)[-1] == "15:00"
        assert (items[0]["loctician_id"], items[0]["price"]["amount"]) == (str(AMINA), 49500 + 80000)
        assert performers_and_times(items[0]["items"]) == [
            (str(AMINA), "09:00", "10:00"),
            (str(JONAS), "10:00", "11:00"),
        ]

    async def test_each_part_blocks_its_loctician_with_its_own_buffers(
        self, book: Book, repair: UUID, salon: date, outbox: Outbox
    ) -> None:
        body = (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).json()
        assert performers_and_times(body["items"]) == [(str(AMINA), "10:00", "11:00"), (str(JONAS), "11:00", "12:00")]
        parts = BookingCreated.model_validate((await outbox())[0]["data"]).items
        assert (parts[1].blocked_start, parts[1].blocked_end) == (at(salon, "10:50"), at(salon, "12:20"))
        assert (await book(at(salon, "11:00"), STYLING)).status_code == 201
        assert code(await book(at(salon, "10:00"), loctician=JONAS)) == (409, "slot_taken")
        assert (await book(at(salon, "12:30"), repair, loctician=JONAS)).status_code == 201

    async def test_needs_all_of_its_locticians(self, book: Book, repair: UUID, salon: date, open_on: OpenOn) -> None:
        await book(at(salon, "11:00"), loctician=JONAS)
        refused = await book(at(salon, "10:00"), STYLING, repair, loctician=None)
        assert code(refused) == (409, "slot_taken")
        assert all(len(item["items"]) == 2 for item in refused.json()["alternatives"])
        await open_on(salon, ("09:00", "11:00"), loctician=JONAS)
        assert code(await book(at(salon, "13:00"), STYLING, repair, loctician=None)) == (409, "outside_hours")

    async def test_is_not_used_if_one_loctician_was_requested(self, book: Book, repair: UUID, salon: date) -> None:
        refused = await book(at(salon, "10:00"), STYLING, repair, loctician=AMINA)
        assert code(refused) == (422, "treatment_not_offered")

    async def test_can_return_to_the_first_loctician(self, book: Book, repair: UUID, salon: date) -> None:
        body = (await book(at(salon, "09:00"), DETOX, repair, STYLING, loctician=None)).json()
        assert [item["loctician_id"] for item in body["items"]] == [str(AMINA), str(JONAS), str(AMINA)]
        assert body["end"] == at(salon, "13:00").isoformat()

    async def test_has_as_few_locticians_as_possible(
        self, book: Book, repair: UUID, salon: date, open_on: OpenOn, database: Database
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            added = "INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:sofie, 'Sofie')"
            await session.execute(text(added), {"sofie": SOFIE})
            offer = "INSERT INTO booking.loctician_treatments (loctician_id, treatment_id) VALUES (:sofie, :styling)"
            await session.execute(text(offer), {"sofie": SOFIE, "styling": STYLING})
        await open_on(salon, ("09:00", "17:00"), loctician=SOFIE)
        body = (await book(at(salon, "10:00"), DETOX, STYLING, repair, loctician=None)).json()
        assert [item["loctician_id"] for item in body["items"]] == [str(AMINA), str(AMINA), str(JONAS)]

    async def test_each_of_its_locticians_can_see_it_and_set_its_outcome(
        self, book: Book, repair: UUID, salon: date, sign_in: SignIn, outbox: Outbox
    ) -> None:
        shared = (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).json()
        alone = (await book(at(salon, "14:00"), loctician=JONAS)).json()
        jonas = sign_in("loctician", JONAS)
        listed = (await jonas.get("/bookings")).json()["items"]
        assert [item["id"] for item in listed] == [shared["id"], alone["id"]]
        by_staff = (await sign_in("staff").get("/bookings", loctician_id=str(JONAS), limit="1")).json()
        assert [item["id"] for item in by_staff["items"]] == [shared["id"]]
        cancelled = await jonas.post(f"/bookings/{shared['id']}/cancel")
        assert cancelled.status_code == 200
        assert len((await outbox())[-1]["data"]["items"]) == 2

    async def test_is_moved_as_a_whole_and_not_by_its_locticians(
        self, book: Book, repair: UUID, salon: date, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        booking = (await book(at(salon, "10:00"), STYLING, repair, loctician=None, customer=customer.id)).json()
        wish = {"start": at(salon, "13:00").isoformat()}
        assert code(await sign_in("loctician", JONAS).put(f"/bookings/{booking['id']}", wish, 1)) == (
            403,
            "not_for_others",
        )
        moved = (await customer.put(f"/bookings/{booking['id']}", wish, 1)).json()
        assert performers_and_times(moved["items"]) == [(str(AMINA), "13:00", "14:00"), (str(JONAS), "14:00", "15:00")]

    async def test_can_be_held_and_then_booked(self, repair: UUID, salon: date, sign_in: SignIn) -> None:
        customer = sign_in()
        body = booking_body(at(salon, "10:00"), STYLING, repair, loctician=None)
        held = (await customer.post("/bookings/holds", body)).json()
        assert performers_and_times(held["items"]) == [(str(AMINA), "10:00", "11:00"), (str(JONAS), "11:00", "12:00")]
        booked = await customer.post("/bookings", body | {"hold_id": held["id"]})
        assert performers_and_times(booked.json()["items"]) == performers_and_times(held["items"])

    async def test_is_flagged_if_one_of_the_locticians_is_away(
        self, book: Book, repair: UUID, salon: date, open_on: OpenOn, sign_in: SignIn
    ) -> None:
        booking = (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).json()
        await open_on(salon, loctician=JONAS)
        listed = (await sign_in("staff").get("/bookings", conflicted="true")).json()["items"]
        assert [item["id"] for item in listed] == [booking["id"]]

    async def test_is_not_used_if_one_loctician_can_perform_all(self, book: Book, repair: UUID, salon: date) -> None:
        body = (await book(at(salon, "10:00"), RETWIST, repair, loctician=None)).json()
        assert {item["loctician_id"] for item in body["items"]} == {str(JONAS)}
