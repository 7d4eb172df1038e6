"""Each retention policy removes what was kept long enough, and nothing else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.calendar.local_time import today
from services.calendar.main import SERVICE
from services.calendar.privacy import ANONYMOUS_ID
from services.calendar.tests.conftest import AMINA, CUSTOMER, WEEK, open_day
from services.calendar.tests.feeds import at, booked
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.retention import applied, named
from shared.testing.types import Deliver, Headers

Rows = Callable[..., Awaitable[list[Any]]]
YEAR = timedelta(days=365)

# of each table one row that is a day short of the policy's time and one that is a day over it
INSERTS = {
    "time_off": "(id, loctician_id, starts_at, ends_at) VALUES (:id, :who, '2020-01-01', :at)",
    "overrides": "(loctician_id, day, windows, reason) VALUES (:who, CAST(:at AS date), '[]', 'closed')",
    "working_hours": """(id, loctician_id, weekday, starts, ends, valid_from, valid_to)
                        VALUES (:id, :who, 0, '09:00', '17:00', '2020-01-01', CAST(:at AS date))""",
    "windows": "(loctician_id, day, windows) VALUES (:who, CAST(:at AS date), '[]')",
    "appointments": """(item_id, booking_id, loctician_id, customer_id, treatment_id, starts_at, ends_at, status,
                        version, changed_at)
                       VALUES (:id, :id, :who, :id, :id, '2020-01-01', :at, 'completed', 1, :at)""",
    "booking_versions": "(booking_id, version, changed_at) VALUES (:id, 1, :at)",
}


@pytest.fixture
def run(database: Database) -> Rows:
    async def statement(sql: str, **values: Any) -> list[Any]:
        async with transaction(database, SERVICE_CLAIMS) as session:
            result = await session.execute(text(sql), values)
            return list(result.scalars()) if sql.startswith("SELECT") else []

    return statement


@pytest.mark.parametrize("name", INSERTS)
async def test_each_policy_removes_older_rows_and_keeps_newer_ones(name: str, database: Database, run: Rows) -> None:
    policy = named(SERVICE.policies, name)
    key = {"overrides": "day", "windows": "day", "appointments": "item_id", "booking_versions": "booking_id"}
    column = key.get(name, "id")
    for days in (1, -2):
        when = at(0) - policy.keep + timedelta(days=days)
        await run(f"INSERT INTO calendar.{name} {INSERTS[name]}", id=UUID(int=days + 9), who=AMINA, at=when)
    before = await run(f"SELECT {column} FROM calendar.{name} ORDER BY {column}")
    assert await applied(database, policy) == 1
    younger = max(before) if column == "day" else UUID(int=10)
    assert await run(f"SELECT {column} FROM calendar.{name}") == [younger]


async def test_hours_that_are_still_valid_are_kept(database: Database, run: Rows) -> None:
    endless = INSERTS["working_hours"].replace("CAST(:at AS date)", "NULL")
    await run(f"INSERT INTO calendar.working_hours {endless}", id=uuid4(), who=AMINA)
    assert await applied(database, named(SERVICE.policies, "working_hours")) == 0


async def test_a_past_appointment_is_anonymized_and_kept(database: Database, deliver: Deliver, run: Rows) -> None:
    for days in (-364, -366, 5):
        await deliver("booking.created.v1", booked(at(days, 1)))
    assert await applied(database, named(SERVICE.policies, "appointment_customers")) == 1
    customers = await run("SELECT customer_id FROM calendar.appointments ORDER BY starts_at")
    assert customers == [ANONYMOUS_ID, CUSTOMER, CUSTOMER]


async def test_a_cancelled_appointment_is_removed_a_month_after_it_was_cancelled(
    database: Database, deliver: Deliver, run: Rows
) -> None:
    for status in ("cancelled", "confirmed", "cancelled"):
        await deliver("booking.cancelled.v1", booked(at(90), status=status))
    await run(
        "UPDATE calendar.appointments SET changed_at = now() - interval '31 days' WHERE status = 'confirmed' OR item_id"
        " = (SELECT min(CAST(item_id AS text)) FROM calendar.appointments WHERE status = 'cancelled')\\:\\:uuid"
    )
    assert await applied(database, named(SERVICE.policies, "cancelled_appointments")) == 1
    assert sorted(await run("SELECT status FROM calendar.appointments")) == ["cancelled", "confirmed"]


async def test_the_version_of_a_booking_outlives_its_appointments(
    database: Database, deliver: Deliver, run: Rows
) -> None:
    kept, gone = booked(at(-2)), booked(at(-2))
    for data in (kept, gone):
        await deliver("booking.created.v1", data)
    await run("UPDATE calendar.booking_versions SET changed_at = now() - interval '400 days'")
    await run("DELETE FROM calendar.appointments WHERE booking_id = :id", id=UUID(gone["booking_id"]))
    assert await applied(database, named(SERVICE.policies, "booking_versions")) == 1
    assert await run("SELECT booking_id FROM calendar.booking_versions") == [UUID(kept["booking_id"])]


IMPORT = """
    INSERT INTO calendar.imports (id, loctician_id, url, status, valid_to, due_at, checked_at)
    VALUES (:id, :who, :url, :status, CAST(:covers AS date), :due, :checked)
"""


async def test_an_ended_import_is_removed_once_it_blocks_nothing(database: Database, run: Rows) -> None:
    long_ago, lately = at(-31), at(-29)
    cases: dict[str, dict[str, Any]] = {
        "an uploaded file long over": {"covers": long_ago},
        "an uploaded file lately over": {"covers": lately},
        "an uploaded file that still blocks": {"covers": at(30), "checked": long_ago},
        "an address given up before it gave a calendar": {
            "url": "https://a",
            "status": "stopped",
            "checked": long_ago,
        },
        "an address given up that still blocks": {"status": "stopped", "covers": at(30)},
        "an address that is read": {"url": "https://c", "covers": long_ago, "due": at(0), "checked": long_ago},
    }
    usual: dict[str, Any] = {"url": None, "status": "current", "covers": None, "due": None, "checked": None}
    for number, case in enumerate(cases.values()):
        await run(IMPORT, **(usual | case), id=UUID(int=number), who=AMINA)
    assert await applied(database, named(SERVICE.policies, "ended_imports")) == 2
    left = {list(cases)[import_id.int] for import_id in await run("SELECT id FROM calendar.imports")}
    assert set(cases) - left == {
        "an uploaded file long over",
        "an address given up before it gave a calendar",
    }


async def test_all_policies_together_change_no_future_windows(
    client: httpx.AsyncClient, auth_headers: Headers, database: Database, run: Rows
) -> None:
    headers = auth_headers("loctician", AMINA)
    path = f"/api/v1/calendar/{AMINA}"
    await client.put(f"{path}/working-hours", json=WEEK, headers=headers)
    await client.put(f"{path}/overrides/{open_day()}", json={"windows": [], "reason": "private"}, headers=headers)
    off = {"start": at(40).isoformat(), "end": at(41).isoformat()}
    await client.post(f"{path}/time-off", json=off, headers=headers)
    windows = "SELECT CAST(w AS text) FROM calendar.windows w WHERE day >= :today ORDER BY day"
    before = await run(windows, today=today())
    for policy in SERVICE.policies:
        assert await applied(database, policy) == 0, policy.name
    assert await run(windows, today=today()) == before
    assert before
