"""Reading the open windows of every loctician, to publish them again."""

from typing import Any

import httpx

from services.calendar.republish import read_windows
from services.calendar.tests.conftest import AMINA, WEEK
from services.calendar.windows.service import HORIZON
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers, Outbox


class TestWindows:
    async def test_every_day_of_the_horizon_is_read_with_the_last_version(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database, outbox: Outbox
    ) -> None:
        headers = auth_headers("staff")
        path = f"/api/v1/calendar/{AMINA}/working-hours"
        tag = (await client.get(path, headers=headers)).headers.get("etag", '"0"')
        answer = await client.put(path, json=WEEK, headers=headers | {"If-Match": tag})
        assert answer.status_code == 200, answer.text
        first = await outbox()
        open_then = _windows([event["data"] for event in first if event["type"] == "calendar.windows_changed.v1"])
        async with transaction(database, SERVICE_CLAIMS) as session:
            [(key, events)] = await read_windows(session, None, 100, None)
            assert await read_windows(session, key, 100, None) == []
        again = _windows([event.model_dump(mode="json") for event in events])
        assert key == str(AMINA)
        assert len(again) == HORIZON.days + 1, "closed days too, which may have been open when last heard of"
        assert {day: open_day for day, open_day in again.items() if day in open_then} == open_then
        assert {event.version for event in events} == {max(event["version"] for event in first)}
        assert await outbox() == first, "nothing is emitted"


def _windows(changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {day["date"]: (day["windows"], day["closed_for"]) for data in changes for day in data["days"]}
