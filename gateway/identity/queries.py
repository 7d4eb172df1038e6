"""SQL statements for used tickets."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.models import used_tickets
from shared.database.session import Database

PURGE_BATCH = 1_000

_INSERT = insert(used_tickets).on_conflict_do_nothing().returning(used_tickets.c.jti)


async def use_ticket(database: Database, jti: str, expires_at: datetime) -> bool:
    """Records a use; returns whether it is the first one at all replicas."""
    return bool(await database.call(_INSERT, {"jti": jti, "expires_at": expires_at}))


async def purge_used_tickets(session: AsyncSession) -> int:
    """Deletes at most PURGE_BATCH expired tickets; returns how many."""
    expired = (
        select(used_tickets.c.jti)
        .where(used_tickets.c.expires_at < func.now())
        .order_by(used_tickets.c.expires_at)
        .limit(PURGE_BATCH)
    )
    deleted = delete(used_tickets).where(used_tickets.c.jti.in_(expired)).returning(used_tickets.c.jti)
    return len((await session.execute(deleted)).all())
