"""Why a time cannot be booked, and the salon's rules."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.events import SalonChanged
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    JONAS,
    RETWIST,
    RULES,
    STYLING,
    Book,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
    set_rules,
    user_state,
)
from services.booking.tests.test_slots import clocks, search
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


async def reason(client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    return (await client.post("/api/v1/bookings/check-availability", json=body, headers=headers)).json()["reason"]


class TestReasons:
    async def test_short_notice_is_possible_for_the_salon_only(
        self, client: httpx.AsyncClient, book: Book, salon: date, set_clock: SetClock, sign_in: SignIn
    ) -> None:
        await set_clock(at(salon, "09:30"))
        body = booking_body(at(salon, "10:00"))
        assert await reason(client, body) == "too_soon"
        assert code(await book(at(salon, "10:00"))) == (422, "too_soon")
        free = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert free[0] == "10:30"
        staff = sign_in("staff")
        assert await reason(client, body, staff.headers) is None
        seen = await staff.get("/slots", **{
            "service_id": str(RETWIST), "loctician_id": str(AMINA),
            "from": at(salon, "00:00").isoformat(), "to": at(salon, "23:00").isoformat(),
        })  # fmt: skip
        assert clocks(seen.json()["items"])[0] == "09:45"
        assert (await book(at(salon, "10:00"), role="loctician", customer=AMINA)).status_code == 201

    async def test_a_holiday_a_day_off_and_a_closed_day_have_different_reasons(
        self, client: httpx.AsyncClient, book: Book, salon: date, open_on: OpenOn
    ) -> None:
        body, anyone = booking_body(at(salon, "10:00")), booking_body(at(salon, "10:00"), loctician=None)
        await open_on(salon, closed_for="time_off")
        assert await reason(client, body) == "closed"
        assert await reason(client, anyone) is None
        await open_on(salon, closed_for="holiday")
        await open_on(salon, loctician=JONAS, closed_for="time_off")
        assert await reason(client, anyone) == "closed"
        await open_on(salon, loctician=JONAS, closed_for="holiday")
        assert await reason(client, anyone) == "holiday"
        refused = await book(at(salon, "10:00"), language="en")
        assert code(refused) == (409, "holiday")
        assert refused.json()["title"] == "Closed for the holiday"
        await open_on(salon)
        assert await reason(client, body) == "outside_hours"

    async def test_a_day_without_hours_is_outside_hours(self, client: httpx.AsyncClient, salon: date) -> None:
        assert await reason(client, booking_body(at(salon + timedelta(days=1), "10:00"))) == "outside_hours"

    async def test_unknown_treatments_and_locticians_are_reported_first(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        long_ago = at(date(2020, 1, 1), "10:00")
        assert await reason(client, booking_body(long_ago, UUID(int=99))) == "unknown_treatment"
        assert await reason(client, booking_body(long_ago, loctician=uuid4())) == "unknown_loctician"
        assert await reason(client, booking_body(long_ago)) == "in_past"

    async def test_a_buffer_can_be_outside_hours(self, book: Book, salon: date) -> None:
        assert code(await book(at(salon, "15:45"))) == (409, "outside_hours")
        assert (await book(at(salon, "15:30"))).status_code == 201

    async def test_a_buffer_can_overlap_a_break_but_not_a_booking(
        self, book: Book, salon: date, open_on: OpenOn
    ) -> None:
        await open_on(salon, ("09:00", "12:00"), ("12:05", "17:00"))
        assert (await book(at(salon, "10:30"))).status_code == 201
        await open_on(salon, ("09:00", "12:00"), ("12:00", "17:00"))
        assert code(await book(at(salon, "12:00"), STYLING)) == (409, "slot_taken")
        assert (await book(at(salon, "12:15"), STYLING)).status_code == 201

    async def test_buffers_lie_within_hours_if_the_salon_wants_that(
        self, client: httpx.AsyncClient, book: Book, salon: date, open_on: OpenOn, sign_in: SignIn
    ) -> None:
        await open_on(salon, ("09:00", "12:00"), ("12:15", "17:00"))  # an imported event in between looks the same
        checked = [("10:15", None), ("10:30", "outside_hours"), ("15:15", None), ("15:30", "outside_hours")]
        for clock, _ in checked:
            assert await reason(client, booking_body(at(salon, clock))) is None, clock
        await set_rules(sign_in, buffers_within_hours=True)
        for clock, expected in checked:
            assert await reason(client, booking_body(at(salon, clock))) == expected, clock
        free = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert (free[0], free[-1]) == ("09:00", "15:15")
        assert "10:30" not in free
        refused = await book(at(salon, "15:30"))
        assert code(refused) == (409, "outside_hours")
        assert clocks(refused.json()["alternatives"])[0] == "15:15"
        assert (await book(at(salon, "15:15"))).status_code == 201

    async def test_buffers_before_lie_within_hours_too(
        self, client: httpx.AsyncClient, salon: date, database: Database, sign_in: SignIn, book: Book
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.treatments SET buffer_before_minutes = 20"))
        assert await reason(client, booking_body(at(salon, "09:00"))) is None
        await set_rules(sign_in, buffers_within_hours=True)
        assert await reason(client, booking_body(at(salon, "09:00"))) == "outside_hours"
        free = clocks((await search(client, salon, loctician_id=str(AMINA))).json()["items"])
        assert free[0] == "09:30"
        await book(at(salon, "09:30"))
        assert await reason(client, booking_body(at(salon, "11:15"))) == "slot_taken"

    async def test_any_loctician_is_one_without_an_overlap_for_the_customer(self, book: Book, salon: date) -> None:
        customer = uuid4()
        await book(at(salon, "11:15"), loctician=JONAS, customer=customer)
        body = (await book(at(salon, "10:00"), loctician=None, customer=customer)).json()
        assert (body["items"][0]["loctician_id"], body["end"]) == (str(JONAS), at(salon, "11:00").isoformat())


class TestRules:
    async def test_are_public_and_set_by_staff(
        self, client: httpx.AsyncClient, salon: date, sign_in: SignIn, outbox: Outbox
    ) -> None:
        seen = await client.get("/api/v1/bookings/rules")
        assert (seen.json(), seen.headers["ETag"]) == (RULES | {"version": 0}, '"0"')
        chosen = RULES | {"minimum_notice_minutes": 0, "cancellation_window_hours": 48}
        for role in ("customer", "loctician"):
            assert code(await sign_in(role).put("/bookings/rules", chosen, 0)) == (403, "forbidden")
        answer = await sign_in("admin").put("/bookings/rules", chosen, 0)
        assert answer.json() == chosen | {"version": 1}
        assert (await client.get("/api/v1/bookings/rules")).json() == answer.json()
        assert SalonChanged.model_validate((await outbox())[0]["data"]).cancellation_window_hours == 48
        answer = await sign_in("admin").put("/bookings/rules", chosen | {"buffers_within_hours": True}, 1)
        assert answer.json()["buffers_within_hours"] is True
        assert (await client.get("/api/v1/bookings/rules")).json() == answer.json()
        assert (await outbox())[1]["data"]["buffers_within_hours"] is True

    async def test_need_the_current_version_to_change(self, salon: date, sign_in: SignIn) -> None:
        staff = sign_in("staff")
        assert code(await staff.put("/bookings/rules", RULES)) == (428, "precondition_required")
        assert (await staff.put("/bookings/rules", RULES, 0)).status_code == 200
        assert code(await staff.put("/bookings/rules", RULES, 0)) == (412, "stale_version")

    async def test_keep_the_hours_for_a_confirmation_if_a_client_does_not_send_them(
        self, client: httpx.AsyncClient, salon: date, sign_in: SignIn, outbox: Outbox
    ) -> None:
        await set_rules(sign_in, confirm_within_hours=5)
        without = {name: value for name, value in RULES.items() if name != "confirm_within_hours"}
        assert (await sign_in("staff").put("/bookings/rules", without, 1)).json()["confirm_within_hours"] == 5
        assert (await client.get("/api/v1/bookings/rules")).json()["confirm_within_hours"] == 5
        assert SalonChanged.model_validate((await outbox())[-1]["data"]).confirm_within_hours == 5

    @pytest.mark.parametrize(
        "wrong",
        [
            {"minimum_notice_minutes": -1}, {"horizon_days": 0}, {"horizon_days": 366}, {"offer_minutes": "30"},
            {"confirm_within_hours": 0}, {"confirm_within_hours": 337}, {"confirm_within_hours": None},
            {"confirm_by_hand": 1}, {"open_bookings_per_customer": 0}, {"singleton": False},
            {"name": "Rodfæstet"},
            {"buffers_within_hours": 1},
        ],
    )  # fmt: skip
    async def test_have_limits(self, salon: date, sign_in: SignIn, wrong: dict[str, Any]) -> None:
        assert code(await sign_in("staff").put("/bookings/rules", RULES | wrong, 0)) == (422, "invalid_input")

    async def test_of_horizon_and_window_apply(self, book: Book, salon: date, sign_in: SignIn) -> None:
        await set_rules(sign_in, horizon_days=2, cancellation_window_hours=96)
        assert code(await book(at(salon, "10:00"))) == (422, "too_far_ahead")
        await set_rules(sign_in, cancellation_window_hours=96)
        customer = sign_in()
        booked = (await book(at(salon, "10:00"), customer=customer.id)).json()
        answer = (await customer.post(f"/bookings/{booked['id']}/cancel")).json()
        assert (answer["cancellation_window_hours"], answer["cancellation_window_kept"]) == (96, False)

    async def test_limit_the_upcoming_bookings_of_a_customer(
        self, book: Book, salon: date, sign_in: SignIn, deliver: Any
    ) -> None:
        await set_rules(sign_in, open_bookings_per_customer=2)
        customer = sign_in()
        await deliver("user.registered.v1", user_state(customer.id), version=1)
        booked = [(await book(at(salon, clock), STYLING, customer=customer.id)).json() for clock in ("09:00", "10:00")]
        refused = await book(at(salon, "11:00"), STYLING, customer=customer.id)
        assert code(refused) == (409, "too_many_open")
        assert "2 kommende" in refused.json()["detail"]
        by_staff = await book(at(salon, "12:00"), STYLING, role="staff", customer_id=str(customer.id))
        assert by_staff.status_code == 201
        for booking in (booked[0], by_staff.json()):
            await customer.post(f"/bookings/{booking['id']}/cancel")
        assert (await book(at(salon, "11:00"), STYLING, customer=customer.id)).status_code == 201
