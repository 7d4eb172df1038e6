"""Publishing of open windows: the horizon, and only the days that changed."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from services.calendar.hours.expansion import Hours, Rules, expand
from services.calendar.hours.schemas import clock_of
from services.calendar.local_time import today
from services.calendar.tests.conftest import AMINA, WEEK, open_day
from services.calendar.windows.service import HORIZON, extend_horizon
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"


def last_day() -> str:
    """The last day of the horizon as of now, because a run may cross midnight."""
    return (today() + HORIZON - timedelta(days=1)).isoformat()


SHORTEN = """
    UPDATE calendar.loctician_versions SET published_until = published_until - 1;
    DELETE FROM calendar.windows WHERE day = '{last}'
"""


async def published(outbox: Outbox) -> dict[str, dict[str, Any]]:
    """The state of each date after all events, applied in the order of their versions."""
    events = [event for event in await outbox() if event["type"] == "calendar.windows_changed.v1"]
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    return {day["date"]: day for event in events for day in event["data"]["days"]}


def spans(windows: list[dict[str, str]]) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(window["start"]), datetime.fromisoformat(window["end"])) for window in windows]


class TestHorizon:
    async def test_only_the_new_day_is_published(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database, outbox: Outbox
    ) -> None:
        await client.put(f"{URL}/working-hours", json=WEEK, headers=auth_headers("staff"))
        before = await outbox()
        assert max(await published(outbox)) == last_day()
        async with transaction(database, SERVICE_CLAIMS) as session:
            for statement in SHORTEN.format(last=last_day()).split(";"):
                await session.execute(text(statement))
            await extend_horizon(session)
        (event,) = (await outbox())[len(before) :]
        assert [day["date"] for day in event["data"]["days"]] == [last_day()]
        async with transaction(database, SERVICE_CLAIMS) as session:
            await extend_horizon(session)
        assert len(await outbox()) == len(before) + 1


class TestOnlyChanges:
    async def test_all_events_together_give_the_current_windows(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        headers, day = auth_headers("staff"), open_day()
        await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
        await client.put(f"{URL}/overrides/{day}", json={"windows": [], "reason": "event"}, headers=headers)
        off = {"start": f"{day + timedelta(days=1)}T09:00:00Z", "end": f"{day + timedelta(days=9)}T12:00:00Z"}
        added = await client.post(f"{URL}/time-off", json=off, headers=headers)
        fewer = {"hours": WEEK["hours"][:5]}
        await client.put(f"{URL}/working-hours", json=fewer, headers=headers | {"If-Match": '"1"'})
        await client.delete(f"{URL}/overrides/{day}", headers=headers)
        await client.delete(f"{URL}/time-off/{added.json()['id']}", headers=headers)
        heard = await published(outbox)
        rows = (await client.get(f"{URL}/working-hours", headers=headers)).json()["hours"]
        rules = Rules([_hours(row) for row in rows])
        for local_date, expected in expand(rules, today(), HORIZON.days).items():
            published_day = heard.get(local_date.isoformat(), {"windows": [], "closed_for": None})
            assert spans(published_day["windows"]) == expected.windows, local_date
            assert published_day["closed_for"] == expected.closed_for, local_date


def _hours(row: dict[str, Any]) -> Hours:
    starts, ends = (clock_of(row[name]) for name in ("start", "end"))
    return Hours(row["weekday"], starts, ends, datetime.fromisoformat(row["valid_from"]).date())
