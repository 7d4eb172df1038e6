"""The SQL."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.models import used_tickets
from shared.database.session import Database, call

PURGE_BATCH = 1_000

_USE = insert(used_tickets).on_conflict_do_nothing().returning(used_tickets.c.jti)


async def use_ticket(database: Database, jti: str, expires_at: datetime) -> bool:
    """Whether it is the first use, of all replicas."""
    return bool(await call(database, _USE, {"jti": jti, "expires_at": expires_at}))


async def purge_used_tickets(session: AsyncSession) -> int:
    """Forget some of those that have expired; tells how many."""
    expired = (
        select(used_tickets.c.jti)
        .where(used_tickets.c.expires_at < func.now())
        .order_by(used_tickets.c.expires_at)
        .limit(PURGE_BATCH)
    )
    gone = delete(used_tickets).where(used_tickets.c.jti.in_(expired)).returning(used_tickets.c.jti)
    return len((await session.execute(gone)).all())
