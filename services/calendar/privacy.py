"""What calendar holds on one person, as customer or as loctician, and forgetting it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.feeds import service as feed
from services.calendar.imports import queries
from services.calendar.imports.ics_sandbox import covered_until
from services.calendar.local_time import bounds, today
from services.calendar.models import (
    appointments,
    feeds,
    idempotency_keys,
    imports,
    languages,
    loctician_names,
    overrides,
    time_off,
    working_hours,
)
from services.calendar.rows import rows
from services.calendar.windows import queries as windows
from services.calendar.windows import service as publishing
from shared.messaging.events import new_id

NOBODY = UUID(int=0)  # in place of the customer of an appointment that is long past
HIDDEN = {"customer_id", "loctician_id", "busy", "token_hash"}


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    part = or_(appointments.c.customer_id == subject_id, appointments.c.loctician_id == subject_id)
    statements = {
        "appointments": _shown(appointments).where(part).order_by(appointments.c.starts_at),
        "working_hours": _shown(working_hours).where(working_hours.c.loctician_id == subject_id),
        "overrides": _shown(overrides).where(overrides.c.loctician_id == subject_id).order_by(overrides.c.day),
        "time_off": _shown(time_off).where(time_off.c.loctician_id == subject_id).order_by(time_off.c.starts_at),
        "imports": _shown(imports).where(imports.c.loctician_id == subject_id),
        "feeds": _shown(feeds).where(feeds.c.owner_id == subject_id),
        "names": _shown(loctician_names).where(loctician_names.c.loctician_id == subject_id),
        "languages": _shown(languages).where(languages.c.person_id == subject_id),
    }
    found = {name: await rows(session, statement) for name, statement in statements.items()}
    start, end = bounds(today())[0], bounds(covered_until())[0]
    busy = await queries.busy_between(session, subject_id, start, end)
    return {**found, "imported_busy_times": [{"start": a, "end": b} for a, b in busy]}


def _shown(table: Table) -> Select[Any]:
    return select(*(column for column in table.c if column.name not in HIDDEN))


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Appointments stay without their customer; a loctician's days are closed. Returns the rows changed by table."""
    await feed.revoke_if_any(session, subject_id)
    statements = {
        "appointments": update(appointments)
        .where(appointments.c.customer_id == subject_id)
        .values(customer_id=new_id()),
        "time_off": delete(time_off).where(time_off.c.loctician_id == subject_id),
        "working_hours": delete(working_hours).where(working_hours.c.loctician_id == subject_id),
        "overrides": delete(overrides).where(overrides.c.loctician_id == subject_id),
        "imports": delete(imports).where(imports.c.loctician_id == subject_id),
        "names": delete(loctician_names).where(loctician_names.c.loctician_id == subject_id),
        "languages": delete(languages).where(languages.c.person_id == subject_id),
        "idempotency_keys": delete(idempotency_keys).where(idempotency_keys.c.caller == subject_id),
    }
    counted = {name: (await session.execute(one)).rowcount for name, one in statements.items()}  # type: ignore[attr-defined]
    if await windows.known(session, subject_id):
        await publishing.publish(session, subject_id, today())
    return counted
