"""Time off, and the appointments it would fall on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events
from services.calendar.appointments import queries as appointment_queries
from services.calendar.appointments import serializers
from services.calendar.errors import AppointmentsInTheWay, LimitReached
from services.calendar.local_time import today
from services.calendar.rows import MOST, Row, Rows
from services.calendar.time_off import queries
from services.calendar.windows.queries import lock
from services.calendar.windows.service import publish
from shared.errors import NotFound
from shared.messaging.events import emit, new_id

LATEST = datetime(2101, 1, 1, tzinfo=UTC)
MOST_NAMED = 100


async def add(
    session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime, *, force: bool = False
) -> dict[str, Any]:
    """Raises AppointmentsInTheWay, naming them, unless forced; a forced one leaves the appointments standing."""
    await lock(session, loctician_id)
    if await queries.count_time_off(session, loctician_id) >= MOST:
        raise LimitReached(limit=MOST)
    if not force:
        await _refuse_conflicts(session, loctician_id, start, end)
    added = {"id": new_id(), "loctician_id": loctician_id, "starts_at": start, "ends_at": end}
    await queries.add_time_off(session, added)
    emit(session, events.TimeOffAdded(version=1, **_payload(added)))
    await publish(session, loctician_id, today())
    return added


async def _refuse_conflicts(session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime) -> None:
    taken = await appointment_queries.appointments_between(session, loctician_id, start, end)
    in_the_way = [serializers.appointment(one) for one in taken if one["status"] in appointment_queries.UPCOMING]
    if in_the_way:
        raise AppointmentsInTheWay(extensions={"appointments": in_the_way[:MOST_NAMED]})


async def remove(session: AsyncSession, loctician_id: UUID, time_off_id: UUID) -> None:
    await lock(session, loctician_id)
    removed = await queries.remove_time_off(session, loctician_id, time_off_id)
    if removed is None:
        raise NotFound
    emit(session, events.TimeOffRemoved(version=2, **_payload(removed)))
    await publish(session, loctician_id, today())


async def listed(session: AsyncSession, loctician_id: UUID) -> Rows:
    """What ended less than a year ago or is still to come."""
    since = datetime.now(UTC) - timedelta(days=365)
    return await queries.time_off_between(session, loctician_id, since, LATEST)


def _payload(row: Row) -> dict[str, Any]:
    return {
        "time_off_id": row["id"],
        "loctician_id": row["loctician_id"],
        "start": row["starts_at"].astimezone(UTC),
        "end": row["ends_at"].astimezone(UTC),
    }
