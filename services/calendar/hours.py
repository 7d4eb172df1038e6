"""Changing working hours and time off, and publishing the windows that follow from them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import events, expansion, queries
from services.calendar.errors import AppointmentsInTheWay
from services.calendar.expansion import Hours, Window
from services.calendar.models import loctician_versions, time_off, windows, working_hours
from shared.errors import NotFound
from shared.events import emit, new_id
from shared.schemas import COPENHAGEN

HORIZON_DAYS = 400
DAYS_PER_EVENT = 120
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


def today() -> date:
    return datetime.now(COPENHAGEN).date()


async def set_hours(session: AsyncSession, loctician_id: UUID, rows: Sequence[Hours]) -> None:
    """Replace all working hours of a loctician and publish what that changes."""
    await _lock(session, loctician_id)
    await session.execute(delete(working_hours).where(working_hours.c.loctician_id == loctician_id))
    if rows:
        values = [vars(row) | {"id": new_id(), "loctician_id": loctician_id} for row in rows]
        await session.execute(insert(working_hours), values)
    await publish(session, loctician_id, today())


async def add_time_off(
    session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime, *, force: bool = False
) -> dict[str, Any]:
    """Raises AppointmentsInTheWay, naming them, unless forced; a forced one leaves the appointments standing."""
    await _lock(session, loctician_id)
    await _refuse_conflicts(session, loctician_id, start, end, force)
    added = {"id": new_id(), "loctician_id": loctician_id, "starts_at": start, "ends_at": end}
    await session.execute(insert(time_off).values(added))
    emit(session, events.TimeOffAdded(version=1, **_payload(added)))
    await publish(session, loctician_id, today())
    return added


async def _refuse_conflicts(
    session: AsyncSession, loctician_id: UUID, start: datetime, end: datetime, force: bool
) -> None:
    taken = await queries.appointments_between(session, loctician_id, start, end)
    in_the_way = [queries.appointment(one) for one in taken if one["status"] in queries.UPCOMING]
    if in_the_way and not force:
        raise AppointmentsInTheWay(extensions={"appointments": in_the_way})


async def remove_time_off(session: AsyncSession, loctician_id: UUID, time_off_id: UUID) -> None:
    await _lock(session, loctician_id)
    mine = (time_off.c.id == time_off_id) & (time_off.c.loctician_id == loctician_id)
    removed = (await session.execute(delete(time_off).where(mine).returning(time_off))).mappings().first()
    if removed is None:
        raise NotFound
    emit(session, events.TimeOffRemoved(version=2, **_payload(removed)))
    await publish(session, loctician_id, today())


def _payload(row: Any) -> dict[str, Any]:
    return {
        "time_off_id": row["id"],
        "loctician_id": row["loctician_id"],
        "start": row["starts_at"].astimezone(UTC),
        "end": row["ends_at"].astimezone(UTC),
    }


async def publish(session: AsyncSession, loctician_id: UUID, today: date) -> int:
    """Recompute the horizon from `today`, store the days that differ and emit them. Returns how many."""
    await _lock(session, loctician_id)
    start, end = expansion.bounds(today)[0], expansion.bounds(today + timedelta(days=HORIZON_DAYS))[0]
    off = [
        (one["starts_at"], one["ends_at"]) for one in await queries.time_off_between(session, loctician_id, start, end)
    ]
    rows = [Hours(**row) for row in await queries.hours_of(session, loctician_id)]
    opened = expansion.expand(rows, off, today, HORIZON_DAYS)
    stored = await queries.windows_between(session, loctician_id, today, today + timedelta(days=HORIZON_DAYS - 1))
    changed = [day for day, found in opened.items() if found != stored.get(day, [])]
    await _store(session, loctician_id, {day: opened[day] for day in changed})
    for n in range(0, len(changed), DAYS_PER_EVENT):
        await _emit(session, loctician_id, {day: opened[day] for day in changed[n : n + DAYS_PER_EVENT]})
    return len(changed)


async def _store(session: AsyncSession, loctician_id: UUID, days: dict[date, list[Window]]) -> None:
    if not days:
        return
    adding = upsert(windows)
    replacing = adding.on_conflict_do_update(
        index_elements=["loctician_id", "day"], set_={"windows": adding.excluded.windows}
    )
    values = [
        {"loctician_id": loctician_id, "day": day, "windows": [[a.isoformat(), b.isoformat()] for a, b in found]}
        for day, found in days.items()
    ]
    await session.execute(replacing, values)


async def _emit(session: AsyncSession, loctician_id: UUID, days: dict[date, list[Window]]) -> None:
    changed = [
        events.Day(date=day, windows=[events.Window(start=a, end=b) for a, b in found]) for day, found in days.items()
    ]
    version = await _next_version(session, loctician_id)
    emit(session, events.WindowsChanged(version=version, loctician_id=loctician_id, days=changed))


async def _next_version(session: AsyncSession, loctician_id: UUID) -> int:
    first = upsert(loctician_versions).values(loctician_id=loctician_id, version=1)
    counting = first.on_conflict_do_update(
        index_elements=["loctician_id"], set_={"version": loctician_versions.c.version + 1}
    )
    version: int = (await session.execute(counting.returning(loctician_versions.c.version))).scalar_one()
    return version


async def _lock(session: AsyncSession, loctician_id: UUID) -> None:
    """One change of a loctician's hours at a time, so that versions follow what was published."""
    await session.execute(LOCK, {"key": f"calendar hours {loctician_id}"})


async def extend_all(session: AsyncSession) -> None:
    known = select(working_hours.c.loctician_id).union(select(loctician_versions.c.loctician_id))
    for loctician_id in sorted((await session.execute(known)).scalars()):
        await publish(session, loctician_id, today())
