"""Exports and erases what calendar holds on one person, as customer or as loctician."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.feeds.service import revoke_if_any, revoke_staff_feeds
from services.calendar.imports import queries as import_queries
from services.calendar.imports.ics_sandbox import read_until
from services.calendar.local_time import day_bounds, today
from services.calendar.models import (
    appointments,
    feeds,
    idempotency_keys,
    imports,
    languages,
    loctician_names,
    overrides,
    staff_feeds,
    time_off,
    working_hours,
)
from services.calendar.rows import fetch_all
from services.calendar.windows import queries as window_queries
from services.calendar.windows.service import publish
from shared.messaging.events import new_id

ANONYMOUS_ID = UUID(int=0)  # replaces the customer of an appointment that is long past
HIDDEN_COLUMNS = {"customer_id", "loctician_id", "busy", "token_hash", "owner_id", "holder_id"}


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    own = or_(appointments.c.customer_id == subject_id, appointments.c.loctician_id == subject_id)
    statements = {
        "appointments": _select_shown(appointments).where(own).order_by(appointments.c.starts_at),
        "working_hours": _select_shown(working_hours).where(working_hours.c.loctician_id == subject_id),
        "overrides": _select_shown(overrides).where(overrides.c.loctician_id == subject_id).order_by(overrides.c.day),
        "time_off": _select_shown(time_off).where(time_off.c.loctician_id == subject_id).order_by(time_off.c.starts_at),
        "imports": _select_shown(imports).where(imports.c.loctician_id == subject_id),
        "feeds": _select_shown(feeds).where(feeds.c.owner_id == subject_id),
        "staff_feeds": _select_shown(staff_feeds).where(_concerns(subject_id)),
        "names": _select_shown(loctician_names).where(loctician_names.c.loctician_id == subject_id),
        "languages": _select_shown(languages).where(languages.c.person_id == subject_id),
    }
    tables = {name: await fetch_all(session, statement) for name, statement in statements.items()}
    start, end = day_bounds(today())[0], day_bounds(read_until())[0]
    busy = await import_queries.busy_between(session, subject_id, start, end)
    return {**tables, "imported_busy_times": [{"start": start, "end": end} for start, end in busy]}


def _select_shown(table: Table) -> Select[Any]:
    return select(*(column for column in table.c if column.name not in HIDDEN_COLUMNS))


def _concerns(subject_id: UUID) -> ColumnElement[bool]:
    return or_(staff_feeds.c.owner_id == subject_id, staff_feeds.c.holder_id == subject_id)


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Anonymizes a customer's appointments; deletes a loctician's hours, which closes all days.

    Returns the number of rows changed in each table.
    """
    await revoke_if_any(session, subject_id, subject_id)
    await revoke_staff_feeds(session, owner_id=subject_id)
    await revoke_staff_feeds(session, holder_id=subject_id)
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
    counts = {name: (await session.execute(statement)).rowcount for name, statement in statements.items()}  # type: ignore[attr-defined]
    if await window_queries.has_versions(session, subject_id):
        await publish(session, subject_id, today())
    return counts
