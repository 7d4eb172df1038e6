"""Changing bookings: moving them, notes, outcomes, walk-ins."""

from datetime import UTC, date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.events import BookingConfirmed, BookingNoShow, BookingRescheduled
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    Caller,
    SetClock,
    SignIn,
    at,
    code,
    set_rules,
)
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


@pytest.fixture
async def booked(book: Book, customer: Caller, salon: date) -> dict[str, Any]:
    return dict((await book(at(salon, "10:00"), customer=customer.id, notes="Ømt hår")).json())


async def times_of_history(caller: Caller, booking: dict[str, Any]) -> list[tuple[str, str, int]]:
    items = (await caller.get(f"/bookings/{booking['id']}/history")).json()["items"]
    return [(item["change"], item["start"][11:16], item["version"]) for item in items]


class TestMoving:
    async def test_keeps_id_and_history_and_frees_the_old_time(
        self, booked: dict[str, Any], customer: Caller, book: Book, salon: date, outbox: Outbox
    ) -> None:
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        body = moved.json()
        assert (moved.status_code, moved.headers["ETag"], body["id"]) == (200, '"2"', booked["id"])
        assert (body["start"], body["end"]) == (at(salon, "13:00").isoformat(), at(salon, "14:30").isoformat())
        assert body["notes"] == "Ømt hår"
        assert [item["start"] for item in body["items"]] == [body["start"]]
        assert await times_of_history(customer, booked) == [("created", "10:00", 1), ("rescheduled", "13:00", 2)]
        created, rescheduled = [event["data"] for event in await outbox()]
        assert [entry["item_id"] for entry in rescheduled["items"]] == [item["item_id"] for item in created["items"]]
        event = BookingRescheduled.model_validate(rescheduled)
        assert (event.previous_start, event.start) == (at(salon, "10:00"), at(salon, "13:00"))
        assert (await book(at(salon, "10:00"))).status_code == 201
        assert (await book(at(salon, "13:00"))).status_code == 409

    async def test_can_overlap_the_old_time(self, booked: dict[str, Any], customer: Caller, salon: date) -> None:
        moved = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "10:30").isoformat()}, 1)
        assert moved.json()["start"] == at(salon, "10:30").isoformat()

    async def test_onto_another_booking_is_refused_and_changes_nothing(
        self, booked: dict[str, Any], customer: Caller, book: Book, salon: date
    ) -> None:
        await book(at(salon, "13:00"))
        refused = await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)
        assert code(refused) == (409, "slot_taken")
        assert len(refused.json()["alternatives"]) == 3
        assert (await customer.get(f"/bookings/{booked['id']}")).json() == booked
        assert (await book(at(salon, "10:00"))).status_code == 409

    async def test_to_other_treatments_and_another_loctician_takes_their_price(
        self, booked: dict[str, Any], customer: Caller, salon: date
    ) -> None:
        body: dict[str, Any] = (await customer.put(f"/bookings/{booked['id']}", {"loctician_id": str(JONAS)}, 1)).json()
        assert (body["price"]["amount"], body["end"]) == (59900, at(salon, "11:00").isoformat())
        services = {"service_ids": [str(STYLING), str(DETOX)], "loctician_id": None}
        body = (await customer.put(f"/bookings/{booked['id']}", services, 2)).json()
        assert body["price"]["amount"] == 49500 + 75000
        assert {item["loctician_id"] for item in body["items"]} == {str(AMINA)}

    async def test_keeps_the_agreed_price_if_only_the_time_changes(
        self, booked: dict[str, Any], customer: Caller, salon: date, database: Database
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.treatments SET price_amount = 99900"))
        body = (await customer.put(f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}, 1)).json()
        assert (body["price"]["amount"], body["items"][0]["price"]["amount"]) == (64900, 64900)

    async def test_needs_the_current_version(self, booked: dict[str, Any], customer: Caller, salon: date) -> None:
        path, wish = f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}
        assert code(await customer.put(path, wish)) == (428, "precondition_required")
        assert code(await customer.put(path, wish, 2)) == (412, "stale_version")
        for tag in ("1", 'W/"1"', '"x"', '""', "", '"99999999999999999999"'):
            assert (await customer.put(path, wish, If_Match=tag)).status_code == 412, tag
        assert (await customer.put(path, wish, If_Match='"7", "1"')).status_code == 200
        assert (await customer.put(path, {"notes": "Kort"}, If_Match="*")).status_code == 200

    async def test_within_the_cancellation_window_is_for_the_salon_only(
        self, booked: dict[str, Any], customer: Caller, salon: date, set_clock: SetClock, sign_in: SignIn
    ) -> None:
        path, wish = f"/bookings/{booked['id']}", {"start": at(salon, "13:00").isoformat()}
        await set_clock(at(salon, "10:00").astimezone(UTC) - timedelta(hours=23))
        assert code(await customer.put(path, wish, 1)) == (409, "window_passed")
        assert (await customer.put(path, {"notes": "Kommer til tiden"}, 1)).status_code == 200
        assert (await sign_in("staff").put(path, wish, 2)).status_code == 200

    async def test_after_the_start_is_for_the_salon_only(
        self, booked: dict[str, Any], customer: Caller, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "10:01"))
        assert code(await customer.put(f"/bookings/{booked['id']}", {"notes": "x"}, 1)) == (409, "already_started")

    async def test_locticians_can_move_their_appointments_but_not_to_others(
        self, booked: dict[str, Any], salon: date, sign_in: SignIn
    ) -> None:
        path = f"/bookings/{booked['id']}"
        amina, jonas = sign_in("loctician", AMINA), sign_in("loctician", JONAS)
        assert code(await jonas.put(path, {"start": at(salon, "13:00").isoformat()}, 1)) == (404, "not_found")
        assert code(await amina.put(path, {"loctician_id": str(JONAS)}, 1)) == (403, "not_for_others")
        assert (await amina.put(path, {"start": at(salon, "13:00").isoformat()}, 1)).status_code == 200

    async def test_needs_at_least_one_change(self, booked: dict[str, Any], customer: Caller) -> None:
        bodies: list[dict[str, Any]] = [{}, {"start": None}, {"service_ids": None}, {"service_ids": []}]
        for body in bodies:
            assert (await customer.put(f"/bookings/{booked['id']}", body, 1)).status_code == 422


class TestNotes:
    async def test_of_the_salon_are_hidden_from_the_customer(
        self, booked: dict[str, Any], customer: Caller, sign_in: SignIn
    ) -> None:
        path = f"/bookings/{booked['id']}"
        staff, amina = sign_in("staff"), sign_in("loctician", AMINA)
        assert (await amina.put(path, {"internal_notes": "Betaler altid"}, 1)).json()["internal_notes"]
        assert (await staff.get(path)).json()["internal_notes"] == "Betaler altid"
        for answer in (await customer.get(path), await customer.get("/bookings")):
            assert "Betaler altid" not in answer.text
            assert "internal_notes" not in answer.text

    async def test_of_the_salon_cannot_be_written_by_customers(
        self, booked: dict[str, Any], customer: Caller, book: Book, salon: date
    ) -> None:
        assert (await customer.put(f"/bookings/{booked['id']}", {"internal_notes": "x"}, 1)).status_code == 403
        assert (await book(at(salon, "13:00"), internal_notes="x")).status_code == 403

    async def test_can_be_changed_without_changing_the_time(
        self, booked: dict[str, Any], customer: Caller, outbox: Outbox
    ) -> None:
        body = (await customer.put(f"/bookings/{booked['id']}", {"notes": None}, 1)).json()
        assert (body["notes"], body["start"], body["version"]) == (None, booked["start"], 2)
        assert [event["type"] for event in await outbox()] == ["booking.created.v1", "booking.noted.v1"]
        assert "Ømt" not in str(await outbox())


class TestOutcomes:
    async def act(self, caller: Caller, booking: dict[str, Any], verb: str, **headers: str) -> httpx.Response:
        return await caller.post(f"/bookings/{booking['id']}/{verb}", **headers)

    async def test_bookings_are_pending_if_the_salon_confirms_by_hand(
        self, book: Book, salon: date, sign_in: SignIn, outbox: Outbox
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        pending = (await book(at(salon, "10:00"))).json()
        assert pending["status"] == "pending"
        assert (await book(at(salon, "10:00"))).status_code == 409
        confirmed = await self.act(sign_in("loctician", AMINA), pending, "confirm", If_Match='"1"')
        assert (confirmed.json()["status"], confirmed.json()["version"]) == ("confirmed", 2)
        assert BookingConfirmed.model_validate((await outbox())[-1]["data"]).status == "confirmed"
        assert code(await self.act(sign_in("staff"), pending, "confirm")) == (409, "wrong_status")
        own = await book(at(salon, "13:00"), role="loctician", customer=JONAS, loctician=JONAS)
        assert own.json()["status"] == "confirmed"

    async def test_completed_and_no_show_are_possible_only_after_the_start(
        self, booked: dict[str, Any], book: Book, salon: date, set_clock: SetClock, sign_in: SignIn, outbox: Outbox
    ) -> None:
        other = (await book(at(salon, "13:00"))).json()
        staff, amina = sign_in("staff"), sign_in("loctician", AMINA)
        assert code(await self.act(staff, booked, "complete")) == (409, "not_started")
        await set_clock(at(salon, "13:05"))
        assert (await self.act(amina, booked, "complete")).json()["status"] == "completed"
        assert (await self.act(staff, other, "no-show")).json()["status"] == "no_show"
        assert BookingNoShow.model_validate((await outbox())[-1]["data"]).status == "no_show"

    async def test_only_the_allowed_status_changes_are_possible(
        self, booked: dict[str, Any], salon: date, set_clock: SetClock, sign_in: SignIn
    ) -> None:
        staff = sign_in("staff")
        await set_clock(at(salon, "10:05"))
        await self.act(staff, booked, "complete")
        for verb in ("confirm", "complete", "no-show", "cancel"):
            assert code(await self.act(staff, booked, verb)) == (409, "wrong_status")
        assert code(await staff.put(f"/bookings/{booked['id']}", {"notes": "x"}, 2)) == (409, "wrong_status")

    async def test_the_table_refuses_other_status_changes(self, booked: dict[str, Any], database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.bookings SET status = 'completed'"))
        with pytest.raises(DBAPIError, match="cannot become pending"):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("UPDATE booking.bookings SET status = 'pending'"))

    async def test_customers_and_other_locticians_cannot_set_an_outcome(
        self, booked: dict[str, Any], customer: Caller, sign_in: SignIn
    ) -> None:
        for verb in ("confirm", "complete", "no-show"):
            assert code(await self.act(customer, booked, verb)) == (403, "forbidden")
            assert code(await self.act(sign_in("loctician", JONAS), booked, verb)) == (404, "not_found")

    async def test_locticians_cannot_set_the_outcome_of_their_own_visit(
        self, booked: dict[str, Any], customer: Caller, sign_in: SignIn, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "10:05"))
        same_person = sign_in("loctician", customer.id)
        assert code(await self.act(same_person, booked, "complete")) == (403, "not_for_others")


class TestWalkIns:
    async def test_can_start_now_at_any_minute(
        self, client: httpx.AsyncClient, salon: date, set_clock: SetClock, sign_in: SignIn, outbox: Outbox
    ) -> None:
        await set_clock(at(salon, "10:07"))
        body = {
            "service_ids": [str(RETWIST)], "loctician_id": str(AMINA), "start": at(salon, "10:06").isoformat(),
            "walk_in": {"name": "Åse", "phone": "20 12 34 56"},
        }  # fmt: skip
        staff = sign_in("staff")
        booking = (await staff.post("/bookings", body)).json()
        assert (booking["customer_id"], booking["walk_in"]) == (None, {"name": "Åse", "phone": "+4520123456"})
        assert (await staff.get(f"/bookings/{booking['id']}")).json() == booking
        event = (await outbox())[0]["data"]
        assert event["walk_in"] is True
        assert "Åse" not in str(event)
        assert "4520123456" not in str(event)

    async def test_can_only_be_entered_by_the_salon(self, book: Book, salon: date) -> None:
        guest = {"name": "Åse"}
        assert code(await book(at(salon, "10:00"), walk_in=guest)) == (422, "walk_in_has_no_account")
        refused = await book(at(salon, "10:00"), role="staff", walk_in=guest, customer_id=str(uuid4()))
        assert code(refused) == (422, "walk_in_has_no_account")
        for phone in ("12", "+4512", "abc", "+1 555"):
            refused = await book(at(salon, "10:00"), role="staff", walk_in={"phone": phone})
            assert code(refused) == (422, "invalid_input")

    async def test_must_fit_hours_and_other_bookings(
        self, booked: dict[str, Any], book: Book, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "09:30"))
        assert code(await book(at(salon, "09:31"), role="staff", walk_in={})) == (409, "slot_taken")
        assert code(await book(at(salon, "16:31"), role="staff", walk_in={})) == (409, "outside_hours")
        assert code(await book(at(salon, "09:15"), role="staff", walk_in={})) == (422, "in_past")
