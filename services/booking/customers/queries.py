"""SQL of what booking knows about people: a projection of the users of auth."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import customers


async def set_verified(session: AsyncSession, user_id: UUID, verified: bool, version: int) -> bool:
    return await _set_if_newer(session, user_id, "email_verified", verified, "verified_version", version)


async def set_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> bool:
    """Returns whether the version is newer than the one known."""
    return await _set_if_newer(session, user_id, "active", active, "active_version", version)


async def close_account(session: AsyncSession, user_id: UUID) -> None:
    """Deactivates the customer, whatever the version known."""
    row = insert(customers).values(id=user_id, active=False)
    await session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"active": False}))


async def _set_if_newer(
    session: AsyncSession, user_id: UUID, column: str, value: bool, version_column: str, version: int
) -> bool:
    """Each column has a version of its own, since its events may arrive in another order than those of the other."""
    row = insert(customers).values({"id": user_id, column: value, version_column: version})
    statement = row.on_conflict_do_update(
        index_elements=["id"],
        set_={column: row.excluded[column], version_column: row.excluded[version_column]},
        where=customers.c[version_column] < row.excluded[version_column],
    ).returning(customers.c.id)
    return bool((await session.execute(statement)).all())
