"""SQL of what booking knows about people: a projection of the users of auth."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import customers


@dataclass(frozen=True)
class Person:
    """What is known of a user."""

    active: bool
    name: str
    phone: str | None
    email: str


async def store_state(session: AsyncSession, user_id: UUID, version: int, person: Person) -> bool:
    """Stores the state of this version. False, and nothing is stored, if it is not newer."""
    row = asdict(person) | {"active_version": version}
    statement = insert(customers).values(id=user_id, **row)
    newest = statement.on_conflict_do_update(
        index_elements=["id"], set_=row, where=customers.c.active_version < version
    )
    return bool((await session.execute(newest.returning(customers.c.id))).all())


async def is_active(session: AsyncSession, user_id: UUID) -> bool:
    """Also True for a user of whom no event has arrived."""
    active = (await session.execute(select(customers.c.active).where(customers.c.id == user_id))).scalar_one_or_none()
    return active is not False


async def close_account(session: AsyncSession, user_id: UUID) -> None:
    """Deactivates the customer, whatever the version known."""
    row = insert(customers).values(id=user_id, active=False)
    await session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"active": False}))
