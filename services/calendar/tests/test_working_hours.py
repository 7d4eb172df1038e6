"""Working hours: If-Match and overlaps."""

import asyncio
from typing import Any

import httpx
import pytest

from services.calendar.hours.service import check_version
from services.calendar.tests.conftest import AMINA, WEEK
from shared.errors import StaleVersion
from shared.testing.types import Headers

URL = f"/api/v1/calendar/{AMINA}/working-hours"
MONDAY = {"hours": [{"weekday": 0, "start": "09:00", "end": "17:00"}]}


def row(starts: str, ends: str, **more: Any) -> dict[str, Any]:
    return {"weekday": 0, "start": starts, "end": ends, **more}


class TestVersions:
    async def test_the_first_hours_need_no_version(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("staff")
        assert (await client.get(URL, headers=headers)).headers["etag"] == '"0"'
        first = await client.put(URL, json=WEEK, headers=headers)
        assert (first.status_code, first.headers["etag"]) == (200, '"1"')
        assert (await client.get(URL, headers=headers)).headers["etag"] == '"1"'

    async def test_later_hours_need_a_version(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("staff")
        await client.put(URL, json=WEEK, headers=headers)
        missing = await client.put(URL, json=MONDAY, headers=headers)
        assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
        changed = await client.put(URL, json=MONDAY, headers=headers | {"If-Match": '"1"'})
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
        stale = await client.put(URL, json=WEEK, headers=headers | {"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
        assert len((await client.get(URL, headers=headers)).json()["hours"]) == 1

    async def test_removed_hours_still_have_a_version(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("staff")
        await client.put(URL, json=WEEK, headers=headers)
        await client.put(URL, json={"hours": []}, headers=headers | {"If-Match": "*"})
        assert (await client.put(URL, json=WEEK, headers=headers)).status_code == 428

    async def test_of_simultaneous_changes_one_wins(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("staff")
        await client.put(URL, json=WEEK, headers=headers)
        same = headers | {"If-Match": '"1"'}
        answers = await asyncio.gather(*(client.put(URL, json=MONDAY, headers=same) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]

    @pytest.mark.parametrize("tag", ["2", 'W/"2"', '"1"', "*x", '"2'])
    def test_only_the_current_version_matches(self, tag: str) -> None:
        with pytest.raises(StaleVersion):
            check_version(2, tag)
        check_version(2, '"1", "2"')
        check_version(2, "*")
        with pytest.raises(StaleVersion):
            check_version(0, "*")


class TestOverlaps:
    async def put(self, client: httpx.AsyncClient, headers: dict[str, str], *rows: dict[str, Any]) -> httpx.Response:
        return await client.put(URL, json={"hours": list(rows)}, headers=headers)

    async def test_overlapping_openings_are_listed(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        rows = (row("09:00", "12:00"), row("13:00", "17:00"), row("11:30", "13:30"))
        answer = await self.put(client, auth_headers("staff"), *rows)
        assert (answer.status_code, answer.json()["code"]) == (422, "hours_overlap")
        errors = [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]
        assert errors == [
            ("/body/hours/2", "overlaps /body/hours/0"),
            ("/body/hours/2", "overlaps /body/hours/1"),
        ]

    async def test_a_break_and_another_season_do_not_overlap(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        summer = {"valid_from": "2027-06-01", "valid_to": "2027-08-31"}
        winter = {"valid_from": "2027-09-01"}
        rows = (
            row("09:00", "12:00", **summer),
            row("12:30", "17:00", **summer),
            row("10:00", "15:00", **winter),
            row("15:00", "16:00", **winter),
        )
        answer = await self.put(client, auth_headers("staff"), *rows)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["hours"]) == 4

    async def test_seasons_that_share_a_day_overlap(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        first = row("09:00", "12:00", valid_from="2027-06-01", valid_to="2027-09-01")
        second = row("10:00", "15:00", valid_from="2027-09-01")
        assert (await self.put(client, auth_headers("staff"), first, second)).status_code == 422
