"""23- and 25-hour days through the API: hours, appointments, free time and the feed agree."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.calendar.hours.expansion import danish_holidays
from services.calendar.tests.conftest import AMINA
from services.calendar.tests.feeds import booked, events_in, next_change, read_back, span
from shared.testing.types import Deliver, Headers

Day = Callable[[date], Awaitable[dict[str, Any]]]
URL = f"/api/v1/calendar/{AMINA}"
SPRING, AUTUMN = next_change(3), next_change(10)
HOUR = timedelta(hours=1)


@pytest.fixture
def headers(auth_headers: Headers) -> dict[str, str]:
    return auth_headers("loctician", AMINA)


@pytest.fixture
def read_day(client: httpx.AsyncClient, headers: dict[str, str]) -> Day:
    async def read(day: date) -> dict[str, Any]:
        answer = await client.get(URL, params={"from": day.isoformat(), "view": "day"}, headers=headers)
        (day_shown,) = answer.json()["days"]
        return dict(day_shown)

    return read


async def open_on_sundays(client: httpx.AsyncClient, headers: dict[str, str], *parts: tuple[str, str]) -> None:
    rows = [{"weekday": 6, "start": starts, "end": ends} for starts, ends in parts]
    answer = await client.put(f"{URL}/working-hours", json={"hours": rows}, headers=headers | {"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    for day in {SPRING, AUTUMN} & {*danish_holidays(SPRING.year), *danish_holidays(AUTUMN.year)}:
        windows = [{"start": starts, "end": ends} for starts, ends in parts]
        await client.put(f"{URL}/overrides/{day}", json={"windows": windows}, headers=headers)  # it is Easter


def times(spans: list[dict[str, str]]) -> list[str]:
    """Wall-clock times in Copenhagen with their offset."""
    return [
        f"{interval['start'][11:16]}{interval['start'][19:]}/{interval['end'][11:16]}{interval['end'][19:]}"
        for interval in spans
    ]


def length(spans: list[dict[str, str]]) -> timedelta:
    parts = [datetime.fromisoformat(interval["end"]) - datetime.fromisoformat(interval["start"]) for interval in spans]
    return sum(parts, timedelta())


class TestHours:
    async def test_a_whole_day_is_23_or_25_hours(
        self, client: httpx.AsyncClient, headers: dict[str, str], read_day: Day
    ) -> None:
        await open_on_sundays(client, headers, ("00:00", "23:59"))
        minute = timedelta(minutes=1)
        assert length((await read_day(SPRING))["windows"]) == 23 * HOUR - minute
        assert length((await read_day(AUTUMN))["windows"]) == 25 * HOUR - minute
        assert length((await read_day(AUTUMN + timedelta(days=7)))["windows"]) == 24 * HOUR - minute

    async def test_hours_that_begin_in_the_skipped_hour_begin_after_it(
        self, client: httpx.AsyncClient, headers: dict[str, str], read_day: Day
    ) -> None:
        await open_on_sundays(client, headers, ("02:30", "05:00"))
        assert times((await read_day(SPRING))["windows"]) == ["03:00+02:00/05:00+02:00"]
        assert times((await read_day(AUTUMN))["windows"]) == ["02:30+02:00/05:00+01:00"]

    async def test_ordinary_hours_keep_their_wall_clock_time(
        self, client: httpx.AsyncClient, headers: dict[str, str], read_day: Day
    ) -> None:
        await open_on_sundays(client, headers, ("09:00", "17:00"))
        assert times((await read_day(SPRING))["windows"]) == ["09:00+02:00/17:00+02:00"]
        assert times((await read_day(AUTUMN))["windows"]) == ["09:00+01:00/17:00+01:00"]

    async def test_an_override_follows_the_same_rules(
        self, client: httpx.AsyncClient, headers: dict[str, str], read_day: Day
    ) -> None:
        body = {"windows": [{"start": "02:15", "end": "03:30"}]}
        await client.put(f"{URL}/overrides/{SPRING}", json=body, headers=headers)
        assert times((await read_day(SPRING))["windows"]) == ["03:00+02:00/03:30+02:00"]
        missing = {"windows": [{"start": "02:15", "end": "02:45"}]}
        await client.put(f"{URL}/overrides/{SPRING}", json=missing, headers=headers)
        day = await read_day(SPRING)
        assert (day["windows"], day["closed_for"]) == ([], "override")


class TestAppointments:
    @pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=["spring", "autumn"])
    async def test_an_appointment_across_the_change_keeps_its_length(
        self, day: date, client: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver, read_day: Day
    ) -> None:
        await open_on_sundays(client, headers, ("00:00", "06:00"))
        before = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)  # the change is at 01:00 UTC
        taken = booked(before, 90)
        await deliver("booking.created.v1", taken)
        day_shown = await read_day(day)
        assert times(day_shown["appointments"]) == [
            "01:30+01:00/04:00+02:00" if day == SPRING else "02:30+02:00/03:00+01:00"
        ]
        assert length(day_shown["windows"]) == (5 if day == SPRING else 7) * HOUR
        assert length(day_shown["free"]) == length(day_shown["windows"]) - timedelta(minutes=90)

        created = await client.post(f"{URL}/feed", headers=headers)
        feed = await client.get(f"/api/v1/calendar/feeds/{created.json()['token']}.ics")
        (event,) = events_in(feed.content)
        assert (event["dtstart"].dt, event["dtend"].dt) == span(taken)
        assert read_back(feed.content) == [span(taken)]

    async def test_the_repeated_hour_holds_two_appointments(
        self, client: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver, read_day: Day
    ) -> None:
        await open_on_sundays(client, headers, ("02:00", "03:00"))
        first = datetime(AUTUMN.year, AUTUMN.month, AUTUMN.day, 0, 0, tzinfo=UTC)
        both = [booked(first, 60), booked(first + HOUR, 60)]
        for booking in both:
            await deliver("booking.created.v1", booking)
        day_shown = await read_day(AUTUMN)
        assert times(day_shown["appointments"]) == ["02:00+02:00/02:00+01:00", "02:00+01:00/03:00+01:00"]
        assert day_shown["free"] == []
        created = await client.post(f"{URL}/feed", headers=headers)
        feed = await client.get(f"/api/v1/calendar/feeds/{created.json()['token']}.ics")
        events = events_in(feed.content)
        assert [(event["dtstart"].dt, event["dtend"].dt) for event in events] == [span(booking) for booking in both]
