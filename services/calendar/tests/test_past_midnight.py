"""Openings that end at midnight or on the next day."""

from datetime import date, time, timedelta
from typing import Any

import httpx
import pytest

from services.calendar.hours.expansion import Hours, danish_holidays
from services.calendar.hours.queries import replace_hours
from services.calendar.local_time import day_bounds, today
from services.calendar.tests.conftest import AMINA, booking
from services.calendar.windows import service as windows
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"
DAY = timedelta(days=1)


def night() -> date:
    """A day that is no holiday, nor are its neighbours, and on which the clock does not change."""
    days = (today() + timedelta(days=n) for n in range(4, 60))
    return next(
        day
        for day in days
        if not {day - DAY, day, day + DAY} & {*danish_holidays(day.year), *danish_holidays(day.year + 1)}
        and day_bounds(day)[1] - day_bounds(day)[0] == DAY
        and day_bounds(day + DAY)[1] - day_bounds(day + DAY)[0] == DAY
    )


def row(weekday: int, starts: str, ends: str, **more: Any) -> dict[str, Any]:
    return {"weekday": weekday % 7, "start": starts, "end": ends, **more}


@pytest.fixture
def headers(auth_headers: Headers) -> dict[str, str]:
    return auth_headers("loctician", AMINA)


async def put_hours(client: httpx.AsyncClient, headers: dict[str, str], *rows: dict[str, Any]) -> httpx.Response:
    version = (await client.get(f"{URL}/working-hours", headers=headers)).headers["etag"]
    return await client.put(f"{URL}/working-hours", json={"hours": rows}, headers=headers | {"If-Match": version})


async def days_shown(
    client: httpx.AsyncClient, headers: dict[str, str], first: date, last: date
) -> list[dict[str, Any]]:
    answer = await client.get(URL, params={"from": first.isoformat(), "to": last.isoformat()}, headers=headers)
    return list(answer.json()["days"])


def clocks(spans: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Date and wall-clock time of each end."""
    return [(span["start"][8:16], span["end"][8:16]) for span in spans]


def at(day: date, clock: str) -> str:
    return f"{day:%d}T{clock}"


class TestMidnight:
    @pytest.mark.parametrize("ends", ["24:00", "00:00"])
    async def test_hours_can_end_at_midnight(
        self, client: httpx.AsyncClient, headers: dict[str, str], ends: str
    ) -> None:
        day = night()
        answer = await put_hours(client, headers, row(day.weekday(), "18:00", ends))
        assert [(hours["start"], hours["end"]) for hours in answer.json()["hours"]] == [("18:00", "24:00")]
        assert (await put_hours(client, headers, *answer.json()["hours"])).json() == answer.json()
        shown = await days_shown(client, headers, day, day)
        assert clocks(shown[0]["windows"]) == [(at(day, "18:00"), at(day + DAY, "00:00"))]

    async def test_days_can_be_open_all_round(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        answer = await put_hours(client, headers, *(row(n, "00:00", "24:00") for n in range(7)))
        assert answer.status_code == 200, answer.text
        day = night()
        for shown in await days_shown(client, headers, day, day + DAY):
            assert len(shown["windows"]) == 1

    async def test_an_override_can_end_at_midnight(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        day = night()
        body = {"windows": [{"start": "08:00", "end": "10:00"}, {"start": "20:00", "end": "00:00"}]}
        answer = await client.put(f"{URL}/overrides/{day}", json=body, headers=headers)
        assert [window["end"] for window in answer.json()["windows"]] == ["10:00", "24:00"]
        listed = (await client.get(f"{URL}/overrides", headers=headers)).json()["items"]
        assert listed == [answer.json()]
        shown = await days_shown(client, headers, day, day)
        assert clocks(shown[0]["windows"])[1] == (at(day, "20:00"), at(day + DAY, "00:00"))


class TestNextDay:
    async def test_an_opening_belongs_to_the_day_on_which_it_begins(
        self, client: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        day = night()
        answer = await put_hours(client, headers, row(day.weekday(), "22:00", "02:00"))
        assert answer.status_code == 200, answer.text
        shown, after = await days_shown(client, headers, day, day + DAY)
        assert clocks(shown["windows"]) == [(at(day, "22:00"), at(day + DAY, "02:00"))]
        assert clocks(shown["free"]) == clocks(shown["windows"])
        assert after["windows"] == []
        published = {item["date"]: item for event in await outbox() for item in event["data"]["days"]}
        assert len(published[day.isoformat()]["windows"]) == 1
        assert (day + DAY).isoformat() not in published

    async def test_an_override_takes_the_whole_opening_with_it(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        day = night()
        await put_hours(client, headers, *(row(n, "22:00", "02:00") for n in range(7)))
        await client.put(f"{URL}/overrides/{day}", json={"windows": [], "reason": "private"}, headers=headers)
        before, closed, after = await days_shown(client, headers, day - DAY, day + DAY)
        assert clocks(before["windows"]) == [(at(day - DAY, "22:00"), at(day, "02:00"))]
        assert (closed["windows"], closed["closed_for"]) == ([], "override")
        assert clocks(after["windows"]) == [(at(day + DAY, "22:00"), at(day + 2 * DAY, "02:00"))]
        body = {"windows": [{"start": "01:00", "end": "05:00"}, {"start": "23:00", "end": "03:00"}]}
        assert (await client.put(f"{URL}/overrides/{day}", json=body, headers=headers)).status_code == 200
        _, changed = await days_shown(client, headers, day - DAY, day)
        assert clocks(changed["windows"]) == [
            (at(day, "02:00"), at(day, "05:00")),
            (at(day, "23:00"), at(day + DAY, "03:00")),
        ]

    async def test_time_off_after_midnight_is_cut_out(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        day = night()
        await put_hours(client, headers, row(day.weekday(), "22:00", "02:00"))
        start = day_bounds(day)[1] + timedelta(minutes=30)
        off = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
        assert (await client.post(f"{URL}/time-off", json=off, headers=headers)).status_code == 201
        shown, after = await days_shown(client, headers, day, day + DAY)
        assert clocks(shown["windows"]) == [
            (at(day, "22:00"), at(day + DAY, "00:30")),
            (at(day + DAY, "01:00"), at(day + DAY, "02:00")),
        ]
        assert (len(shown["time_off"]), len(after["time_off"])) == (0, 1)

    @pytest.mark.parametrize("last", [0, 1])
    async def test_an_appointment_after_midnight_is_not_free(
        self, client: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver, last: int
    ) -> None:
        day = night()
        await put_hours(client, headers, row(day.weekday(), "22:00", "02:00"))
        start = day_bounds(day)[1] + timedelta(minutes=30)
        await deliver("booking.created.v1", booking(start.isoformat(), (start + timedelta(hours=1)).isoformat()))
        shown, *after = await days_shown(client, headers, day, day + last * DAY)
        assert clocks(shown["free"]) == [
            (at(day, "22:00"), at(day + DAY, "00:30")),
            (at(day + DAY, "01:30"), at(day + DAY, "02:00")),
        ]
        assert (len(shown["appointments"]), [len(item["appointments"]) for item in after]) == (0, [1] * last)

    async def test_of_a_night_that_has_begun_only_what_lies_ahead_changes(
        self, client: httpx.AsyncClient, headers: dict[str, str], database: Database
    ) -> None:
        day = night()
        await put_hours(client, headers, *(row(n, "22:00", "02:00") for n in range(7)))
        for starts, ends, left in (("21:00", "01:30", "01:30"), ("09:00", "17:00", "00:00")):
            async with transaction(database, SERVICE_CLAIMS) as session:
                weekly = [Hours(n, time.fromisoformat(starts), time.fromisoformat(ends), today()) for n in range(7)]
                await replace_hours(session, AMINA, weekly)
                await windows.publish(session, AMINA, day + DAY)
            shown, after = await days_shown(client, headers, day, day + DAY)
            assert clocks(shown["windows"]) == [(at(day, "22:00"), at(day + DAY, left))]
            assert clocks(after["windows"])[0][0] == at(day + DAY, starts)


class TestOverlaps:
    @pytest.mark.parametrize("weekday", [0, 6])
    async def test_an_opening_can_overlap_one_of_the_next_day(
        self, client: httpx.AsyncClient, headers: dict[str, str], weekday: int
    ) -> None:
        late, early = row(weekday, "22:00", "02:00"), row(weekday + 1, "01:00", "05:00")
        for rows in ((late, early), (early, late)):
            refused = await put_hours(client, headers, *rows)
            assert (refused.status_code, refused.json()["code"]) == (422, "hours_overlap")
        touching = row(weekday + 1, "02:00", "05:00")
        assert (await put_hours(client, headers, late, touching)).status_code == 200

    async def test_openings_of_one_day_can_overlap_before_midnight(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        refused = await put_hours(client, headers, row(2, "22:00", "02:00"), row(2, "23:00", "24:00"))
        assert (refused.status_code, refused.json()["code"]) == (422, "hours_overlap")
        morning = row(2, "00:00", "02:00")
        assert (await put_hours(client, headers, row(2, "22:00", "02:00"), morning)).status_code == 200

    async def test_seasons_do_not_overlap_across_midnight(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        # 2027-06-06 is a Sunday
        late = row(6, "22:00", "02:00", valid_from="2027-06-01", valid_to="2027-06-06")
        early = row(0, "01:00", "05:00", valid_from="2027-06-08")
        assert (await put_hours(client, headers, late, early)).status_code == 200
        refused = await put_hours(client, headers, late, early | {"valid_from": "2027-06-07"})
        assert (refused.status_code, refused.json()["code"]) == (422, "hours_overlap")


class TestHolidays:
    async def test_a_holiday_closes_the_openings_that_begin_on_it(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        coming = (today() + timedelta(days=n) for n in range(2, 390))
        day = next(
            day
            for day in coming
            if day in danish_holidays(day.year)
            and day - DAY not in danish_holidays((day - DAY).year)
            and day_bounds(day)[1] - day_bounds(day)[0] == DAY
        )
        await put_hours(client, headers, *(row(n, "22:00", "02:00") for n in range(7)))
        eve, holiday = await days_shown(client, headers, day - DAY, day)
        assert clocks(eve["windows"]) == [(at(day - DAY, "22:00"), at(day, "02:00"))]
        assert (holiday["windows"], holiday["closed_for"]) == ([], "holiday")
