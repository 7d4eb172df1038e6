"""After any bookings, moves, cancellations and closings, calendar and booking agree once the events have arrived."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.salon import Json, bearer, register, sign_in
from tests.e2e.stack import Stack, eventually

FIRST, DAYS = 60, 14  # days ahead that no other test books
SHORT = ("Vask og hovedbundspleje", "Opsætning og styling", "Retwist")
EXPECTED = {200, 201, 204, 409}  # 409: taken, overlapping, cancelled already; anything else is a defect
Step = Callable[["Salon", int], Awaitable[httpx.Response | None]]
Times = set[tuple[str, str, datetime, datetime]]


@dataclass
class Salon:
    http: httpx.AsyncClient
    staff: dict[str, str]
    customers: list[dict[str, str]]
    treatments: list[str]
    locticians: list[str]
    bookings: list[str] = field(default_factory=list)
    absences: list[tuple[str, str]] = field(default_factory=list)

    @property
    def first(self) -> date:
        return (datetime.now(UTC) + timedelta(days=FIRST)).date()

    async def slot(self, number: int) -> Json | None:
        begin = datetime.combine(self.first, datetime.min.time(), UTC)
        query = {"from": begin.isoformat(), "to": (begin + timedelta(days=DAYS)).isoformat(), "limit": "1000"}
        query["service_id"] = self.treatments[number % len(self.treatments)]
        items: list[Json] = (await self.http.get("/api/v1/slots", params=query)).json()["items"]
        return items[number % len(items)] if items else None


async def book(salon: Salon, number: int) -> httpx.Response | None:
    slot = await salon.slot(number)
    if slot is None:
        return None
    order = {name: slot[name] for name in ("service_ids", "loctician_id", "start")}
    customer = salon.customers[number % len(salon.customers)]
    answer = await salon.http.post("/api/v1/bookings", json=order, headers=customer | {"Idempotency-Key": uuid4().hex})
    if answer.status_code == 201:
        salon.bookings.append(answer.json()["id"])
    return answer


async def move(salon: Salon, number: int) -> httpx.Response | None:
    slot = await salon.slot(number)
    if slot is None or not salon.bookings:
        return None
    path = f"/api/v1/bookings/{salon.bookings[number % len(salon.bookings)]}"
    version = (await salon.http.get(path, headers=salon.staff)).headers["etag"]
    change = {name: slot[name] for name in ("service_ids", "loctician_id", "start")}
    return await salon.http.put(path, json=change, headers=salon.staff | {"If-Match": version})


async def cancel(salon: Salon, number: int) -> httpx.Response | None:
    if not salon.bookings:
        return None
    path = f"/api/v1/bookings/{salon.bookings[number % len(salon.bookings)]}/cancel"
    return await salon.http.post(path, headers=salon.staff)


async def leave(salon: Salon, number: int) -> httpx.Response | None:
    """A day off in spite of what is booked."""
    loctician = salon.locticians[number % len(salon.locticians)]
    begin = datetime.combine(salon.first + timedelta(days=number % DAYS), datetime.min.time(), UTC)
    off = {"start": begin.isoformat(), "end": (begin + timedelta(hours=12)).isoformat(), "force": True}
    answer = await salon.http.post(f"/api/v1/calendar/{loctician}/time-off", json=off, headers=salon.staff)
    if answer.status_code == 201:
        salon.absences.append((loctician, answer.json()["id"]))
    return answer


async def come_back(salon: Salon, number: int) -> httpx.Response | None:
    if not salon.absences:
        return None
    loctician, absence = salon.absences.pop(number % len(salon.absences))
    return await salon.http.delete(f"/api/v1/calendar/{loctician}/time-off/{absence}", headers=salon.staff)


HOURS: tuple[Json, ...] = (
    {"windows": [], "reason": "training"},
    {"windows": [{"start": "10:00", "end": "13:00"}]},
    {"windows": [{"start": "08:00", "end": "20:00"}]},
)


async def change_hours(salon: Salon, number: int) -> httpx.Response:
    """Other hours on one date, or none."""
    day = salon.first + timedelta(days=number % DAYS)
    path = f"/api/v1/calendar/{salon.locticians[number % len(salon.locticians)]}/overrides/{day}"
    return await salon.http.put(path, json=HOURS[number % len(HOURS)], headers=salon.staff)


async def wait_in_line(salon: Salon, number: int) -> httpx.Response:
    customer = salon.customers[number % len(salon.customers)]
    last = salon.first + timedelta(days=DAYS)
    treatment = salon.treatments[number % len(salon.treatments)]
    wish = {"service_ids": [treatment], "from": f"{salon.first}", "to": f"{last}"}
    return await salon.http.post("/api/v1/waitlist", json=wish, headers=customer | {"Idempotency-Key": uuid4().hex})


STEPS: tuple[Step, ...] = (book, book, book, move, cancel, leave, come_back, change_hours, wait_in_line)


async def in_booking(salon: Salon) -> tuple[Times, set[str]]:
    """What stands booked, and what of it is flagged as outside hours."""
    times: Times = set()
    flagged: set[str] = set()
    for id_ in salon.bookings:
        booking = (await salon.http.get(f"/api/v1/bookings/{id_}", headers=salon.staff)).json()
        if booking["status"] == "cancelled":
            continue
        if booking["conflicted"]:
            flagged.add(id_)
        for item in booking["items"]:
            times.add((id_, item["loctician_id"], *_span(item)))
    return times, flagged


async def in_calendar(salon: Salon) -> tuple[Times, set[str]]:
    """The same, as the locticians' calendars show it."""
    times: Times = set()
    outside: set[str] = set()
    query = {"from": f"{salon.first}", "to": f"{salon.first + timedelta(days=DAYS)}"}
    for loctician in salon.locticians:
        answer = await salon.http.get(f"/api/v1/calendar/{loctician}", params=query, headers=salon.staff)
        for day in answer.json()["days"]:
            windows = [_span(window) for window in day["windows"]]
            for appointment in day["appointments"]:
                start, end = _span(appointment)
                if appointment["booking_id"] in salon.bookings and appointment["status"] != "cancelled":
                    times.add((appointment["booking_id"], loctician, start, end))
                    if not any(a <= start and end <= b for a, b in windows):
                        outside.add(appointment["booking_id"])
    return times, outside


def _span(part: Json) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(part["start"]), datetime.fromisoformat(part["end"])


async def opened(http: httpx.AsyncClient) -> Salon:
    treatments = (await http.get("/api/v1/services")).json()["items"]
    locticians = (await http.get("/api/v1/locticians")).json()["items"]
    return Salon(
        http,
        bearer(await sign_in(http, "staff@loctician.example")),
        [bearer((await register(http, "story"))[1]) for _ in range(3)],
        [treatment["id"] for treatment in treatments if treatment["translations"]["da"]["name"] in SHORT],
        [loctician["id"] for loctician in locticians],
    )


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(plan=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9999)), min_size=20, max_size=30))
async def test_calendar_and_booking_agree_once_every_event_has_arrived(
    stack: Stack, plan: list[tuple[Step, int]]
) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        salon = await opened(http)
        try:
            for step, number in [(book, 1), (book, 2), *plan]:
                answer = await step(salon, number)
                assert answer is None or answer.status_code in EXPECTED, answer.text

            async def both() -> tuple[Any, Any]:
                return await in_booking(salon), await in_calendar(salon)

            agreed = await eventually(
                both, lambda views: bool(views[0] == views[1]), "calendar and booking to agree", 20.0
            )
            assert len(agreed[0][0]) >= 1 or not salon.bookings or "cancel" in {step.__name__ for step, _ in plan}
        finally:
            for day in range(DAYS):
                for loctician in salon.locticians:
                    path = f"/api/v1/calendar/{loctician}/overrides/{salon.first + timedelta(days=day)}"
                    await http.delete(path, headers=salon.staff)
            while salon.absences:
                await come_back(salon, 0)
