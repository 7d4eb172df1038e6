"""How many times off and overrides a loctician may have."""

from typing import Any

import httpx
from sqlalchemy import text

from services.calendar.local_time import today
from services.calendar.rows import MAX_ROWS
from services.calendar.tests.conftest import AMINA
from services.calendar.tests.feeds import at
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers

URL = f"/api/v1/calendar/{AMINA}"
FILL_TIME_OFF = """
    INSERT INTO calendar.time_off (id, loctician_id, starts_at, ends_at)
    SELECT gen_random_uuid(), :who, now() + make_interval(hours => n), now() + make_interval(hours => n + 1)
    FROM generate_series(1, :count) n
"""
FILL_OVERRIDES = """
    INSERT INTO calendar.overrides (loctician_id, day, windows, reason)
    SELECT :who, CAST(:today AS date) + n, '[]', 'closed' FROM generate_series(1, :count) n
"""


async def fill(database: Database, statement: str, **values: Any) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text(statement), {"who": AMINA, "count": MAX_ROWS} | values)


async def test_a_loctician_can_have_a_thousand_times_off(
    client: httpx.AsyncClient, auth_headers: Headers, database: Database
) -> None:
    headers, later = auth_headers("loctician", AMINA), {"start": at(50).isoformat(), "end": at(51).isoformat()}
    await fill(database, FILL_TIME_OFF)
    refused = await client.post(f"{URL}/time-off", json=later, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
    assert "1000" in refused.json()["detail"]
    items = (await client.get(f"{URL}/time-off", headers=headers)).json()["items"]
    assert len(items) == MAX_ROWS
    await client.delete(f"{URL}/time-off/{items[0]['id']}", headers=headers)
    assert (await client.post(f"{URL}/time-off", json=later, headers=headers)).status_code == 201


async def test_a_loctician_can_have_a_thousand_upcoming_overrides_and_change_each(
    client: httpx.AsyncClient, auth_headers: Headers, database: Database
) -> None:
    headers, body = auth_headers("loctician", AMINA), {"windows": [], "reason": "event"}
    await fill(database, FILL_OVERRIDES, today=today())
    refused = await client.put(f"{URL}/overrides/{today()}", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
    known = (await client.get(f"{URL}/overrides", headers=headers)).json()["items"][0]["date"]
    changed = await client.put(f"{URL}/overrides/{known}", json=body, headers=headers)
    assert (changed.status_code, changed.json()["reason"]) == (200, "event")
    await client.delete(f"{URL}/overrides/{known}", headers=headers)
    assert (await client.put(f"{URL}/overrides/{today()}", json=body, headers=headers)).status_code == 200
