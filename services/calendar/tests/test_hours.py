"""Working hours over HTTP: events, access and input."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.calendar import demo
from services.calendar.tests.conftest import AMINA, JONAS, WEEK, open_day
from services.calendar.windows.service import extend_horizon
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"


class TestHours:
    async def test_setting_hours_publishes_windows(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        answer = await client.put(f"{URL}/working-hours", json=WEEK, headers=auth_headers("loctician", AMINA))
        assert answer.status_code == 200, answer.text
        events = await outbox()
        assert [event["version"] for event in events] == [1, 2, 3, 4]
        assert {event["type"] for event in events} == {"calendar.windows_changed.v1"}
        assert all(len(event["data"]["days"]) <= 120 for event in events)
        days = {day["date"]: day["windows"] for event in events for day in event["data"]["days"]}
        assert len(days[open_day().isoformat()]) == 1

    async def test_setting_the_same_hours_again_publishes_nothing(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox, database: Database
    ) -> None:
        headers = auth_headers("staff")
        first = await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
        before = len(await outbox())
        assert before
        headers |= {"If-Match": first.headers["etag"]}
        second = await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
        assert second.json() == first.json()
        async with transaction(database, SERVICE_CLAIMS) as session:
            await extend_horizon(session)
        assert len(await outbox()) == before

    async def test_only_changed_days_are_published(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        headers, day = auth_headers("loctician", AMINA), open_day().isoformat()
        await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
        body = {"start": f"{day}T12:00:00Z", "end": f"{day}T13:00:00Z"}
        added = await client.post(f"{URL}/time-off", json=body, headers=headers)
        assert added.status_code == 201, added.text
        event, windows = (await outbox())[-2:]
        assert event["type"] == "calendar.time_off_added.v1"
        assert [change["date"] for change in windows["data"]["days"]] == [day]
        assert len(windows["data"]["days"][0]["windows"]) == 2
        listed = await client.get(f"{URL}/time-off", headers=headers)
        assert [row["id"] for row in listed.json()["items"]] == [added.json()["id"]]
        removed = await client.delete(f"{URL}/time-off/{added.json()['id']}", headers=headers)
        assert removed.status_code == 204
        assert len((await outbox())[-1]["data"]["days"][0]["windows"]) == 1
        assert (await client.delete(f"{URL}/time-off/{uuid4()}", headers=headers)).status_code == 404

    async def test_demo_data_is_loaded_once(self, database: Database, outbox: Outbox) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await demo.load(session)
            assert not await demo.load(session)
        assert len({event["subject"] for event in await outbox()}) == 3


class TestAccess:
    @pytest.mark.parametrize("path", ["", "/working-hours", "/time-off"])
    async def test_only_the_loctician_and_the_salon_have_access(
        self, path: str, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        assert (await client.get(URL + path)).status_code == 401
        assert (await client.get(URL + path, headers=auth_headers("customer"))).status_code == 403
        assert (await client.get(URL + path, headers=auth_headers("loctician", JONAS))).status_code == 404
        for headers in (auth_headers("loctician", AMINA), auth_headers("staff"), auth_headers("admin")):
            assert (await client.get(URL + path, headers=headers)).status_code == 200

    async def test_another_loctician_changes_nothing(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("loctician", JONAS)
        assert (await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)).status_code == 404

    async def test_holidays_are_public(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/calendar/holidays", params={"year": 2026})
        assert "2026-12-25" in [holiday["date"] for holiday in answer.json()["items"]]


class TestInput:
    @pytest.mark.parametrize(
        "row",
        [
            {"weekday": 7, "start": "09:00", "end": "17:00"},
            {"weekday": 0, "start": "17:00", "end": "09:00"},
            {"weekday": 0, "start": "9", "end": "17:00"},
            {"weekday": 0, "start": "12:00", "end": "00:01"},
            {"weekday": 0, "start": "09:00", "end": "09:00"},
            {"weekday": 0, "start": "00:00", "end": "00:00"},
            {"weekday": 0, "start": "24:00", "end": "02:00"},
            {"weekday": 0, "start": "09:00", "end": "24:01"},
            {"weekday": 0, "start": "09:00", "end": "17:00", "loctician_id": str(JONAS)},
            {"weekday": 0, "start": "09:00", "end": "17:00", "valid_from": "2026-02-01", "valid_to": "2026-01-01"},
        ],
    )
    async def test_bad_hours_are_422(
        self, row: dict[str, Any], client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        body = {"hours": [row]}
        answer = await client.put(f"{URL}/working-hours", json=body, headers=auth_headers("staff"))
        assert answer.status_code == 422

    @pytest.mark.parametrize(
        "query", ["from=x", "from=2026-01-01&to=2026-03-04", "from=2026-01-02&to=2026-01-01", "view=x"]
    )
    async def test_bad_ranges_are_422(self, query: str, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        assert (await client.get(f"{URL}?{query}", headers=auth_headers("staff"))).status_code == 422
