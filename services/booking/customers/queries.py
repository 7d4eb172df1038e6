from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import customers


async def mark_verified(session: AsyncSession, user_id: UUID, verified: bool, version: int) -> bool:
    return await _newer(session, user_id, "email_verified", verified, "verified_version", version)


async def mark_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> bool:
    return await _newer(session, user_id, "active", active, "active_version", version)


async def close(session: AsyncSession, user_id: UUID) -> None:
    """The account, whatever its versions say."""
    added = insert(customers).values(id=user_id, active=False)
    await session.execute(added.on_conflict_do_update(index_elements=["id"], set_={"active": False}))


async def _newer(session: AsyncSession, user_id: UUID, fact: str, value: bool, versioned: str, version: int) -> bool:
    """Each fact has a version of its own, as each comes with events of its own, which may change places."""
    added = insert(customers).values({"id": user_id, fact: value, versioned: version})
    statement = added.on_conflict_do_update(
        index_elements=["id"],
        set_={fact: added.excluded[fact], versioned: added.excluded[versioned]},
        where=customers.c[versioned] < added.excluded[versioned],
    ).returning(customers.c.id)
    return bool((await session.execute(statement)).all())
