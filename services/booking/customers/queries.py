"""SQL of what booking knows about people: a projection of the users of auth."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import customers

# Every event carries the whole state, so both columns have the version of the last one.
VERSIONS = ("verified_version", "active_version")


async def store_state(session: AsyncSession, user_id: UUID, version: int, values: dict[str, bool]) -> bool:
    """Stores `email_verified` and `active` of this version. False, and nothing is stored, if it is not newer."""
    row = values | dict.fromkeys(VERSIONS, version)
    known = func.greatest(*(customers.c[name] for name in VERSIONS))
    statement = insert(customers).values(id=user_id, **row)
    newest = statement.on_conflict_do_update(index_elements=["id"], set_=row, where=known < version)
    return bool((await session.execute(newest.returning(customers.c.id))).all())


async def is_active(session: AsyncSession, user_id: UUID) -> bool:
    """Also True for a user of whom no event has arrived."""
    active = (await session.execute(select(customers.c.active).where(customers.c.id == user_id))).scalar_one_or_none()
    return active is not False


async def close_account(session: AsyncSession, user_id: UUID) -> None:
    """Deactivates the customer, whatever the version known."""
    row = insert(customers).values(id=user_id, active=False)
    await session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"active": False}))
