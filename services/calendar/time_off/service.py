"""Adds, lists and removes time off, and refuses it where appointments are booked."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.appointments import queries as appointment_queries
from services.calendar.appointments import serializers as appointment_serializers
from services.calendar.errors import AppointmentsInTheWay, LimitReached
from services.calendar.local_time import today
from services.calendar.rows import MAX_ROWS, Row, Rows
from services.calendar.time_off import queries
from services.calendar.windows.queries import lock
from services.calendar.windows.service import publish
from shared.errors import NotFound
from shared.messaging.events import emit, new_id

LATEST = datetime(2101, 1, 1, tzinfo=UTC)
MAX_APPOINTMENTS_LISTED = 100


async def add_time_off(
    session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime, *, force: bool = False
) -> dict[str, Any]:
    """With `force` it is added although there are appointments, which stay.

    Raises LimitReached, or AppointmentsInTheWay with the appointments.
    """
    await lock(session, loctician_id)
    if await queries.count_time_off(session, loctician_id) >= MAX_ROWS:
        raise LimitReached(limit=MAX_ROWS)
    if not force:
        await _refuse_conflicts(session, loctician_id, start, end)
    row = {"id": new_id(), "loctician_id": loctician_id, "starts_at": start, "ends_at": end}
    await queries.add(session, row)
    emit(session, events.TimeOffAdded(version=1, **_payload(row)))
    await publish(session, loctician_id, today())
    return row


async def _refuse_conflicts(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> None:
    rows = await appointment_queries.appointments_between(session, loctician_id, start, end)
    conflicts = [
        appointment_serializers.appointment(row) for row in rows if row["status"] in appointment_queries.UPCOMING
    ]
    if conflicts:
        raise AppointmentsInTheWay(appointments=conflicts[:MAX_APPOINTMENTS_LISTED])


async def remove_time_off(session: AsyncSession, loctician_id: UUID, time_off_id: UUID) -> None:
    """Raises NotFound."""
    await lock(session, loctician_id)
    row = await queries.remove(session, loctician_id, time_off_id)
    if row is None:
        raise NotFound
    emit(session, events.TimeOffRemoved(version=2, **_payload(row)))
    await publish(session, loctician_id, today())


async def list_time_off(
    session: AsyncSession, loctician_id: UUID, start: datetime | None, end: datetime | None
) -> Rows:
    """What overlaps start..end. `start` (default: a year ago), `end` (default: none)."""
    earliest = start or datetime.now(UTC) - queries.SHOWN_AFTERWARDS
    return await queries.time_off_between(session, loctician_id, earliest, end or LATEST)


def _payload(row: Row) -> dict[str, Any]:
    return {
        "time_off_id": row["id"],
        "loctician_id": row["loctician_id"],
        "start": row["starts_at"].astimezone(UTC),
        "end": row["ends_at"].astimezone(UTC),
    }
