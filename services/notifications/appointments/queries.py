"""SQL of appointments: the projection of booking's times that reminders are planned from."""

from sqlalchemy import and_, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import appointments
from services.notifications.rows import Row


async def upsert_appointment(session: AsyncSession, row: Row) -> Row | None:
    """Returns the facts known before, which are empty for a new appointment; None if a newer version is known.

    `agreed_at` stays if time and customer are the same and the appointment was active before.
    """
    before = select(appointments.c.facts).where(appointments.c.booking_id == row["booking_id"]).cte("before")
    upsert = insert(appointments).values(**row)
    new = upsert.excluded
    unchanged = and_(
        appointments.c.starts_at == new.starts_at, appointments.c.customer_id == new.customer_id, appointments.c.active
    )
    upsert = upsert.on_conflict_do_update(
        index_elements=["booking_id"],
        set_={name: new[name] for name in row if name not in {"booking_id", "agreed_at"}}
        | {"agreed_at": case((unchanged, appointments.c.agreed_at), else_=new.agreed_at), "next_check_at": func.now()},
        where=appointments.c.version < new.version,
    )
    known = select(before.c.facts).scalar_subquery().label("known")
    written = (await session.execute(upsert.returning(appointments.c.booking_id, known))).first()
    return None if written is None else written.known or {}
