"""Republishing after a restore."""

from datetime import UTC, datetime
from typing import Any

import httpx

from services.calendar.republish import republish
from services.calendar.tests.conftest import AMINA, WEEK
from services.calendar.windows.service import HORIZON
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers, Outbox


class TestRepublish:
    async def test_every_day_of_the_horizon_is_published_again_with_a_newer_version(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database, outbox: Outbox
    ) -> None:
        headers = auth_headers("staff")
        path = f"/api/v1/calendar/{AMINA}/working-hours"
        tag = (await client.get(path, headers=headers)).headers.get("etag", '"0"')
        answer = await client.put(path, json=WEEK, headers=headers | {"If-Match": tag})
        assert answer.status_code == 200, answer.text
        first = await outbox()
        open_then = _windows(first)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await republish(session, datetime.now(UTC)) == 1
        again = (await outbox())[len(first) :]
        assert len(_windows(again)) == HORIZON.days + 1, "closed days too, which may have been open when last heard of"
        assert {day: open_day for day, open_day in _windows(again).items() if day in open_then} == open_then
        assert min(event["version"] for event in again) > max(event["version"] for event in first)


def _windows(events: list[dict[str, Any]]) -> dict[str, Any]:
    changes = [event for event in events if event["type"] == "calendar.windows_changed.v1"]
    return {day["date"]: (day["windows"], day["closed_for"]) for event in changes for day in event["data"]["days"]}
