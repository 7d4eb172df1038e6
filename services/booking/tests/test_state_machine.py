"""Random sequences of API calls: every rule holds after each step."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking.bookings import service as bookings
from services.booking.holds import service as holds
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETWIST,
    STYLING,
    Caller,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    set_rules,
    user_state,
)
from services.booking.tests.test_concurrent_clients import CUSTOMERS_MEET, HISTORIES
from services.booking.tests.test_shared_sittings import REPAIR, add_repair
from services.booking.waitlist import offers
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver, empty

FOLLOWS = {
    None: {"pending", "confirmed"},
    "pending": {"pending", "confirmed", "cancelled"},
    "confirmed": {"confirmed", "pending", "completed", "no_show", "cancelled"},
    "completed": set(), "no_show": set(), "cancelled": set(),
}  # fmt: skip
LOCTICIANS_MEET = text("""
    SELECT count(*) FROM booking.occupancy a JOIN booking.occupancy b
    ON a.loctician_id = b.loctician_id AND a.id < b.id AND a.blocked && b.blocked AND a.active AND b.active
""")
# Bookings and holds occupy their time, and nothing else does.
TIMES = text("""
    SELECT count(*) FROM booking.occupancy o
    LEFT JOIN booking.booking_items i ON i.id = o.item_id
    LEFT JOIN booking.bookings b ON b.id = i.booking_id
    LEFT JOIN booking.holds h ON h.id = o.item_id
    WHERE o.active <> CASE WHEN b.id IS NOT NULL THEN b.status <> 'cancelled' ELSE h.id IS NOT NULL END
""")
# An upcoming booking is flagged if and only if it is outside the current hours.
FLAGS = text("""
    SELECT count(*) FROM booking.bookings b WHERE b.status IN ('pending', 'confirmed') AND b.ends_at > booking.clock()
        AND (b.conflicted_at IS NULL) <> NOT EXISTS (
            SELECT FROM booking.booking_items i WHERE i.booking_id = b.id AND NOT i.during <@ coalesce((
                SELECT w.windows FROM booking.open_windows w WHERE w.loctician_id = i.loctician_id
                    AND w.day = (lower(i.during) AT TIME ZONE 'Europe/Copenhagen')::date), '{}'))
""")
# Every open offer has a hold, and every hold of the waitlist an open offer.
OFFERS = text("""
    SELECT count(*) FROM booking.waitlist w FULL JOIN booking.holds h ON h.waitlist_id = w.id
    WHERE (w.status = 'offered') IS DISTINCT FROM (h.id IS NOT NULL) AND (h.id IS NULL OR h.waitlist_id IS NOT NULL)
""")
HOLDS = text("SELECT 1 FROM booking.holds WHERE customer_id = :customer")
HISTORY = text("SELECT booking_id, status FROM booking.booking_history ORDER BY id")

CLOCKS = st.sampled_from([f"{hour:02}:{minute:02}" for hour in range(8, 17) for minute in (0, 15, 30)])
SERVICES = st.sampled_from(
    [(RETWIST,), (STYLING,), (DETOX,), (STYLING, RETWIST), (STYLING, REPAIR), (STYLING, REPAIR, RETWIST)]
)
TERMS = st.sampled_from(["price_amount = price_amount + 100", "duration_minutes = 75", "buffer_after_minutes = 45"])
CHAIRS = st.sampled_from([None, AMINA, JONAS])
PEOPLE = st.integers(0, 2)
HOURS = st.sampled_from([(), (("09:00", "17:00"),), (("09:00", "12:00"), ("12:30", "17:00")), (("12:00", "20:00"),)])


@dataclass(frozen=True)
class Salon:
    """What the state machine works with."""

    loop: asyncio.AbstractEventLoop
    database: Database
    owner: AsyncEngine
    fill: Callable[[], Awaitable[date]]
    sign_in: SignIn
    open_on: OpenOn
    set_clock: SetClock
    deliver: Deliver

    async def begin(self) -> date:
        await empty(self.owner, "booking")
        day = await self.fill()
        await add_repair(self.database)
        return day

    async def count(self, statement: Any) -> int:
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            return int((await session.execute(statement)).scalar_one())

    async def rows(self, statement: Any) -> Any:
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            return (await session.execute(statement)).all()

    async def end_expired_holds(self) -> None:
        await self.repeat(holds.end_expired)

    async def cancel_unconfirmed(self) -> None:
        more = True
        while more:
            async with transaction(self.database, SERVICE_CLAIMS) as session:
                more = await bookings.cancel_unconfirmed(session)

    async def change_treatments(self, changes: str) -> None:
        async with transaction(self.database, SERVICE_CLAIMS) as session:
            await session.execute(text(f"UPDATE booking.treatments SET {changes} WHERE id <> '{DETOX}'"))

    async def offer_freed_times(self) -> None:
        await self.repeat(offers.offer_freed_times)

    async def repeat(self, run: Callable[[Any], Awaitable[bool]]) -> None:
        more = True
        while more:
            async with transaction(self.database, SERVICE_CLAIMS) as session:
                more = await run(session)


class BookingMachine(RuleBasedStateMachine):
    def __init__(self, salon: Salon) -> None:
        super().__init__()
        self.salon = salon
        self.day: date = self.run(salon.begin())
        self.now: datetime = at(self.day, "06:00") - timedelta(days=2)
        self.run(salon.set_clock(self.now))
        self.people = [salon.sign_in("customer", uuid4()) for _ in range(3)]
        self.staff = salon.sign_in("staff")
        self.bookings: dict[str, Caller] = {}
        self.holds: dict[int, dict[str, Any]] = {}
        self.versions = 0

    def run(self, call: Awaitable[Any]) -> Any:
        """Hypothesis runs the machine in a thread of its own."""

        async def awaited() -> Any:
            return await call

        return asyncio.run_coroutine_threadsafe(awaited(), self.salon.loop).result(30)

    def send(self, call: Awaitable[httpx.Response]) -> httpx.Response:
        answer: httpx.Response = self.run(call)
        assert answer.status_code in {200, 201, 204, 409, 412, 422}, answer.text
        return answer

    def booked(self, caller: Caller, answer: httpx.Response) -> None:
        if answer.status_code == 201:
            self.bookings[answer.json()["id"]] = caller

    def one(self, data: st.DataObject) -> tuple[str, Caller]:
        return data.draw(st.sampled_from(sorted(self.bookings.items(), key=lambda pair: pair[0])))

    @rule(person=PEOPLE, clock=CLOCKS, services=SERVICES, chair=CHAIRS)
    def book(self, person: int, clock: str, services: tuple[UUID, ...], chair: UUID | None) -> None:
        caller = self.people[person]
        self.booked(
            caller, self.send(caller.post("/bookings", booking_body(at(self.day, clock), *services, loctician=chair)))
        )

    @precondition(lambda self: self.bookings)
    @rule(data=st.data(), clock=CLOCKS, by_staff=st.booleans(), chair=st.sampled_from(["same", None, AMINA, JONAS]))
    def move(self, data: st.DataObject, clock: str, by_staff: bool, chair: UUID | str | None) -> None:
        booking, customer = self.one(data)
        named = {} if chair == "same" else {"loctician_id": chair and str(chair)}
        wish = {"start": at(self.day, clock).isoformat()} | named
        caller = self.staff if by_staff else customer
        before = self.run(caller.get(f"/bookings/{booking}")).json()
        answer = self.send(caller.put(f"/bookings/{booking}", wish, before["version"]))
        after = self.run(caller.get(f"/bookings/{booking}")).json()
        assert after == (answer.json() if answer.status_code == 200 else before)

    @precondition(lambda self: self.bookings)
    @rule(data=st.data(), by_staff=st.booleans())
    def cancel(self, data: st.DataObject, by_staff: bool) -> None:
        booking, customer = self.one(data)
        self.send((self.staff if by_staff else customer).post(f"/bookings/{booking}/cancel"))

    @precondition(lambda self: self.bookings)
    @rule(data=st.data(), verb=st.sampled_from(["confirm", "complete", "no-show"]))
    def set_outcome(self, data: st.DataObject, verb: str) -> None:
        self.send(self.staff.post(f"/bookings/{self.one(data)[0]}/{verb}"))

    @rule(person=PEOPLE, clock=CLOCKS, services=SERVICES, chair=CHAIRS)
    def hold(self, person: int, clock: str, services: tuple[UUID, ...], chair: UUID | None) -> None:
        body = booking_body(at(self.day, clock), *services, loctician=chair)
        answer = self.send(self.people[person].post("/bookings/holds", body))
        if answer.status_code == 201:
            self.holds[person] = body | {"hold_id": answer.json()["id"]}

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), keep=st.booleans())
    def use_or_end_a_hold(self, data: st.DataObject, keep: bool) -> None:
        person = data.draw(st.sampled_from(sorted(self.holds)))
        caller, body = self.people[person], self.holds.pop(person)
        if keep:
            self.booked(caller, self.send(caller.post("/bookings", body)))
        else:
            assert self.run(caller.delete(f"/bookings/holds/{body['hold_id']}")).status_code in {204, 404}

    @rule(person=PEOPLE, services=SERVICES, chair=CHAIRS, earliest=st.none() | CLOCKS)
    def wait(self, person: int, services: tuple[UUID, ...], chair: UUID | None, earliest: str | None) -> None:
        wish = {
            "service_ids": [str(service) for service in services], "loctician_id": chair and str(chair),
            "from": self.day.isoformat(), "to": self.day.isoformat(), "earliest": earliest,
        }  # fmt: skip
        self.send(self.people[person].post("/waitlist", wish))

    @rule(person=PEOPLE, answer=st.sampled_from(["accept", "turn down", "leave"]))
    def answer_an_offer(self, person: int, answer: str) -> None:
        caller = self.people[person]
        for wish in self.run(caller.get("/waitlist")).json()["items"]:
            if not (offer := wish["offer"]):
                continue
            if answer == "accept":
                body = {"service_ids": wish["service_ids"], "start": offer["start"], "hold_id": offer["hold_id"]}
                self.booked(caller, self.send(caller.post("/bookings", body)))
            elif answer == "turn down":
                self.send(caller.delete(f"/bookings/holds/{offer['hold_id']}"))
            else:
                self.send(caller.delete(f"/waitlist/{wish['id']}"))
            return

    @rule(by_hand=st.booleans())
    def choose_confirmation(self, by_hand: bool) -> None:
        self.run(set_rules(self.salon.sign_in, confirm_by_hand=by_hand, confirm_within_hours=1))

    @rule()
    def cancel_unconfirmed(self) -> None:
        self.run(self.salon.cancel_unconfirmed())

    @rule(changes=TERMS)
    def change_the_catalog(self, changes: str) -> None:
        self.run(self.salon.change_treatments(changes))

    @rule(service=st.sampled_from([RETWIST, STYLING, REPAIR]), active=st.booleans())
    def archive_or_offer_again(self, service: UUID, active: bool) -> None:
        self.run(self.salon.change_treatments(f"active = ({str(active).lower()} OR id <> '{service}')"))

    @rule(chair=st.sampled_from([AMINA, JONAS]), hours=HOURS)
    def change_hours(self, chair: UUID, hours: tuple[tuple[str, str], ...]) -> None:
        self.run(self.salon.open_on(self.day, *hours, loctician=chair, closed_for=None if hours else "time_off"))

    @rule(minutes=st.sampled_from([3, 6, 31, 600, 1440]))
    def wait_a_while(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.run(self.salon.set_clock(self.now))

    @rule()
    def end_lapsed_holds(self) -> None:
        self.run(self.salon.end_expired_holds())

    @rule()
    def offer_freed_times(self) -> None:
        self.run(self.salon.offer_freed_times())

    @rule(person=PEOPLE)
    def close_an_account_and_open_it_again(self, person: int) -> None:
        caller = self.people[person].id
        self.versions += 2
        gone = user_state(caller, active=False)
        self.run(self.salon.deliver("user.deactivated.v1", gone, version=self.versions))
        assert self.run(self.salon.rows(HOLDS.bindparams(customer=caller))) == []
        self.run(self.salon.deliver("user.reactivated.v1", user_state(caller), version=self.versions + 1))

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        assert self.run(self.salon.count(LOCTICIANS_MEET)) == 0
        assert self.run(self.salon.count(CUSTOMERS_MEET)) == 0

    @invariant()
    def what_is_booked_takes_its_time(self) -> None:
        assert self.run(self.salon.count(TIMES)) == 0
        assert self.run(self.salon.count(OFFERS)) == 0

    @invariant()
    def flags_tell_what_lies_outside_hours(self) -> None:
        assert self.run(self.salon.count(FLAGS)) == 0

    @invariant()
    def histories_add_up(self) -> None:
        assert self.run(self.salon.count(HISTORIES)) == 0
        seen: dict[Any, str] = {}
        for booking, status in self.run(self.salon.rows(HISTORY)):
            assert status in FOLLOWS[seen.get(booking)], (seen.get(booking), status)
            seen[booking] = status
        assert {str(item) for item in seen} == set(self.bookings)


@pytest.mark.slow
async def test_every_rule_holds_after_any_sequence_of_calls(
    client: httpx.AsyncClient,
    database: Database,
    owner: AsyncEngine,
    sign_in: SignIn,
    open_on: OpenOn,
    set_clock: SetClock,
    deliver: Deliver,
    fill_salon: Callable[[], Awaitable[date]],
) -> None:
    salon = Salon(asyncio.get_running_loop(), database, owner, fill_salon, sign_in, open_on, set_clock, deliver)
    limits = settings(
        max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    await asyncio.to_thread(run_state_machine_as_test, partial(BookingMachine, salon), settings=limits)  # type: ignore[arg-type]
