"""Appointments as far as telling of them needs: the newest version told of, and when to look for reminders."""

from sqlalchemy import and_, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments
from services.notifications.rows import Row


async def upsert_appointment(session: AsyncSession, row: Row) -> Row | None:
    """The facts known before, empty for a new one; None when a newer version is known. A time that is new, or was
    given up in between, is known from now on."""
    before = select(appointments.c.facts).where(appointments.c.booking_id == row["booking_id"]).cte("before")
    put = insert(appointments).values(**row)
    new = put.excluded
    unchanged = and_(
        appointments.c.starts_at == new.starts_at, appointments.c.customer_id == new.customer_id, appointments.c.active
    )
    put = put.on_conflict_do_update(
        index_elements=["booking_id"],
        set_={name: new[name] for name in row if name not in {"booking_id", "known_at"}}
        | {"known_at": case((unchanged, appointments.c.known_at), else_=new.known_at), "look_at": func.now()},
        where=appointments.c.version < new.version,
    )
    known = select(before.c.facts).scalar_subquery().label("known")
    put_back = (await session.execute(put.returning(appointments.c.booking_id, known))).first()
    return None if put_back is None else put_back.known or {}
