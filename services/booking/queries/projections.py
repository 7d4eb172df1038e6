from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import customers, open_windows


async def open_day(
    session: AsyncSession, loctician_id: UUID, day: date, version: int, windows: list[Range[datetime]]
) -> None:
    added = insert(open_windows).values(loctician_id=loctician_id, day=day, version=version, windows=windows)
    newer = {"version": added.excluded.version, "windows": added.excluded.windows}
    statement = added.on_conflict_do_update(
        index_elements=["loctician_id", "day"], set_=newer, where=open_windows.c.version < added.excluded.version
    )
    await session.execute(statement)


async def mark_verified(session: AsyncSession, user_id: UUID, verified: bool, version: int) -> bool:
    return await _newer(session, user_id, "email_verified", verified, "verified_version", version)


async def mark_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> bool:
    return await _newer(session, user_id, "active", active, "active_version", version)


async def _newer(session: AsyncSession, user_id: UUID, fact: str, value: bool, versioned: str, version: int) -> bool:
    """Each fact has a version of its own, as each comes with events of its own, which may change places."""
    added = insert(customers).values({"id": user_id, fact: value, versioned: version})
    statement = added.on_conflict_do_update(
        index_elements=["id"],
        set_={fact: added.excluded[fact], versioned: added.excluded[versioned]},
        where=customers.c[versioned] < added.excluded[versioned],
    ).returning(customers.c.id)
    return bool((await session.execute(statement)).all())
