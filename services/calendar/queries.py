from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.expansion import Window
from services.calendar.models import appointments, time_off, windows, working_hours
from shared.schemas import copenhagen

UPCOMING = ("pending", "confirmed")
MOST = 1000
Rows = Sequence[Mapping[str, Any]]


async def hours_of(session: AsyncSession, loctician_id: UUID) -> Rows:
    columns = [working_hours.c[name] for name in ("weekday", "starts", "ends", "valid_from", "valid_until")]
    found = select(*columns).where(working_hours.c.loctician_id == loctician_id)
    ordered = found.order_by("weekday", "starts", "valid_from").limit(MOST)
    return [dict(row) for row in (await session.execute(ordered)).mappings()]


async def appointments_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    return await _between(session, appointments, loctician_id, start, end)


async def time_off_between(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    return await _between(session, time_off, loctician_id, start, end)


async def _between(session: AsyncSession, table: Table, loctician_id: UUID, start: datetime, end: datetime) -> Rows:
    overlapping = select(table).where(
        table.c.loctician_id == loctician_id, table.c.starts_at < end, table.c.ends_at > start
    )
    found = await session.execute(overlapping.order_by(table.c.starts_at).limit(MOST))
    return [dict(row) for row in found.mappings()]


async def windows_between(
    session: AsyncSession, loctician_id: UUID, first: date, last: date
) -> dict[date, list[Window]]:
    found = select(windows.c.day, windows.c.windows).where(
        windows.c.loctician_id == loctician_id, windows.c.day.between(first, last)
    )
    return {
        day: [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in stored]
        for day, stored in await session.execute(found)
    }


def span(part: Window) -> dict[str, str]:
    return {"start": copenhagen(part[0]).isoformat(), "end": copenhagen(part[1]).isoformat()}


def appointment(row: Mapping[str, Any]) -> dict[str, str]:
    """As answers give it."""
    return {
        "booking_id": str(row["booking_id"]),
        "item_id": str(row["item_id"]),
        "service_id": str(row["treatment_id"]),
        "customer_id": str(row["customer_id"]),
        **span((row["starts_at"], row["ends_at"])),
        "status": row["status"],
    }


def absence(row: Mapping[str, Any]) -> dict[str, str]:
    """Time off as answers give it."""
    return {"id": str(row["id"]), **span((row["starts_at"], row["ends_at"]))}
