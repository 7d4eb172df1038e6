"""What calendar holds on one person, as customer or as loctician, and forgetting it."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import hours
from services.calendar.models import appointments, loctician_versions, time_off, working_hours
from shared.events import new_id


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    part = or_(appointments.c.customer_id == subject_id, appointments.c.loctician_id == subject_id)
    columns = [column for column in appointments.c if column.name not in {"customer_id", "loctician_id"}]
    statements = {
        "appointments": select(*columns).where(part).order_by(appointments.c.starts_at),
        "working_hours": select(working_hours).where(working_hours.c.loctician_id == subject_id),
        "time_off": select(time_off).where(time_off.c.loctician_id == subject_id).order_by(time_off.c.starts_at),
    }
    return {name: [dict(row) for row in (await session.execute(one)).mappings()] for name, one in statements.items()}


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Appointments stay without their customer; a loctician's days are closed. Returns the rows changed by table."""
    statements = {
        "appointments": update(appointments)
        .where(appointments.c.customer_id == subject_id)
        .values(customer_id=new_id()),
        "time_off": delete(time_off).where(time_off.c.loctician_id == subject_id),
        "working_hours": delete(working_hours).where(working_hours.c.loctician_id == subject_id),
    }
    counted = {name: (await session.execute(one)).rowcount for name, one in statements.items()}  # type: ignore[attr-defined]
    known = select(loctician_versions).where(loctician_versions.c.loctician_id == subject_id)
    if (await session.execute(known)).first():
        await hours.publish(session, subject_id, hours.today())
    return counted
