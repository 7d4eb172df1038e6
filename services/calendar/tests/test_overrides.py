"""Overrides of single dates."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.calendar.hours.expansion import danish_holidays
from services.calendar.local_time import today
from services.calendar.tests.conftest import AMINA, JONAS, WEEK, open_day
from shared.testing.types import Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"
MORNING = {"windows": [{"start": "08:00", "end": "10:00"}, {"start": "10:30", "end": "12:00"}]}
CLOSED = {"windows": [], "reason": "training"}


@pytest.fixture
def headers(auth_headers: Headers) -> dict[str, str]:
    return auth_headers("loctician", AMINA)


@pytest.fixture
async def amina(client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.AsyncClient:
    """A client; Amina is open every day."""
    answer = await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
    assert answer.status_code == 200, answer.text
    return client


async def published(outbox: Outbox) -> dict[str, dict[str, Any]]:
    """The last published state of each date."""
    return {day["date"]: day for event in await outbox() for day in event["data"].get("days", [])}


class TestOverrides:
    async def test_an_override_replaces_the_hours_of_one_date(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        day, before = open_day().isoformat(), len(await outbox())
        answer = await amina.put(f"{URL}/overrides/{day}", json=MORNING, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"date": day, "reason": None, **MORNING}
        (event,) = (await outbox())[before:]
        assert [change["date"] for change in event["data"]["days"]] == [day]
        assert len(event["data"]["days"][0]["windows"]) == 2

    async def test_the_same_override_again_publishes_nothing(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        day = open_day().isoformat()
        first = await amina.put(f"{URL}/overrides/{day}", json=CLOSED, headers=headers)
        before = len(await outbox())
        assert (await amina.put(f"{URL}/overrides/{day}", json=CLOSED, headers=headers)).json() == first.json()
        assert len(await outbox()) == before
        assert (await amina.delete(f"{URL}/overrides/{day}", headers=headers)).status_code == 204
        assert (await published(outbox))[day]["closed_for"] is None
        before = len(await outbox())
        assert (await amina.delete(f"{URL}/overrides/{day}", headers=headers)).status_code == 204
        assert len(await outbox()) == before

    async def test_a_holiday_is_closed_until_an_override_opens_it(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        coming = (today() + timedelta(days=n) for n in range(1, 400))
        day = next(day for day in coming if day in danish_holidays(day.year)).isoformat()
        assert (await published(outbox))[day] == {"date": day, "windows": [], "closed_for": "holiday"}
        await amina.put(f"{URL}/overrides/{day}", json=MORNING, headers=headers)
        opened = (await published(outbox))[day]
        assert (len(opened["windows"]), opened["closed_for"]) == (2, None)

    async def test_a_day_says_why_it_is_closed(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        day, other = open_day(), open_day() + timedelta(days=1)
        await amina.put(f"{URL}/overrides/{day}", json=CLOSED, headers=headers)
        off = {"start": f"{other}T00:00:00+01:00", "end": f"{other + timedelta(days=1)}T02:00:00+02:00"}
        assert (await amina.post(f"{URL}/time-off", json=off, headers=headers)).status_code == 201
        days = await published(outbox)
        assert days[day.isoformat()]["closed_for"] == "override"
        shown = await amina.get(URL, params={"from": day.isoformat(), "to": other.isoformat()}, headers=headers)
        assert shown.json()["days"][0]["closed_for"] == "override"
        if other not in danish_holidays(other.year):
            assert days[other.isoformat()]["closed_for"] == "time_off"

    async def test_overrides_are_listed_by_date(self, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        first, second = open_day(), open_day() + timedelta(days=3)
        for day in (second, first):
            await amina.put(f"{URL}/overrides/{day}", json=CLOSED, headers=headers)
        listed = (await amina.get(f"{URL}/overrides", headers=headers)).json()["items"]
        assert [override["date"] for override in listed] == [first.isoformat(), second.isoformat()]
        query = {"from": second.isoformat(), "to": second.isoformat()}
        assert len((await amina.get(f"{URL}/overrides", params=query, headers=headers)).json()["items"]) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {"windows": []},
            {"windows": [], "reason": "because I said so"},
            MORNING | {"reason": "training"},
            {"windows": [{"start": "10:00", "end": "09:00"}]},
            {"windows": [{"start": "08:00", "end": "10:00"}, {"start": "09:59", "end": "12:00"}]},
            {"windows": [{"start": "08:00", "end": "24:30"}]},
            {"windows": [{"start": "22:00", "end": "02:00"}, {"start": "23:00", "end": "24:00"}]},
            {"windows": [{"start": f"{n:02}:00", "end": f"{n:02}:30"} for n in range(11)]},
        ],
    )
    async def test_invalid_input_is_422(
        self, body: dict[str, Any], client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        answer = await client.put(f"{URL}/overrides/{open_day()}", json=body, headers=headers)
        assert answer.status_code == 422

    @pytest.mark.parametrize("day", ["2026-02-30", "0001-01-01", "9999-12-31", "tomorrow"])
    async def test_an_invalid_date_is_422(self, day: str, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        assert (await client.put(f"{URL}/overrides/{day}", json=CLOSED, headers=headers)).status_code == 422

    async def test_another_loctician_changes_nothing(self, amina: httpx.AsyncClient, auth_headers: Headers) -> None:
        url, other = f"{URL}/overrides/{open_day()}", auth_headers("loctician", JONAS)
        assert (await amina.put(url, json=CLOSED, headers=other)).status_code == 404
        assert (await amina.delete(url, headers=other)).status_code == 404
        assert (await amina.get(f"{URL}/overrides", headers=other)).status_code == 404
        assert (await amina.put(url, json=CLOSED, headers=auth_headers("customer", AMINA))).status_code == 403
