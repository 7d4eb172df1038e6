"""SQL of contacts: the projection of auth's people."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import contacts
from services.notifications.rows import Row, fetch_first

MOST_COLLEAGUES = 100
LAST_VERSION = 2**31 - 1  # of an erased person: no event is newer, so none brings the data back
# Every event carries the whole state, so all three columns have the version of the last one.
VERSIONS = ("version", "role_version", "active_version")


async def store_contact(session: AsyncSession, person: Row, version: int) -> bool:
    """Stores the person as of this version. False, and nothing is stored, if it is not newer or the person erased."""
    row = {**person, **dict.fromkeys(VERSIONS, version)}
    known = func.greatest(*(contacts.c[name] for name in VERSIONS))
    newest = insert(contacts).values(row)
    newest = newest.on_conflict_do_update(index_elements=["user_id"], set_=row, where=known < version)
    return (await session.execute(newest.returning(contacts.c.user_id))).first() is not None


async def find_contact(session: AsyncSession, user_id: UUID) -> Row | None:
    return await fetch_first(session, select(contacts).where(contacts.c.user_id == user_id))


async def lock_known_contact(session: AsyncSession, user_id: UUID) -> bool:
    """Whether the person is known and not erased. Until the end of the transaction an erasure waits."""
    known = select(contacts.c.user_id).where(contacts.c.user_id == user_id, contacts.c.version < LAST_VERSION)
    return (await session.execute(known.with_for_update())).one_or_none() is not None


async def find_colleagues(session: AsyncSession, roles: Sequence[str]) -> list[UUID]:
    """Active people with one of the roles, at most MOST_COLLEAGUES."""
    colleagues = select(contacts.c.user_id).where(contacts.c.role.in_(roles), contacts.c.active)
    return list((await session.execute(colleagues.order_by(contacts.c.user_id).limit(MOST_COLLEAGUES))).scalars())


async def next_recipients(session: AsyncSession, role: str | None, after: UUID | None, limit: int) -> list[UUID]:
    """Active people by id, after the id `after`; those with `role`, or all without one."""
    conditions: list[Any] = [contacts.c.active]
    if role is not None:
        conditions.append(contacts.c.role == role)
    if after is not None:
        conditions.append(contacts.c.user_id > after)
    recipients = select(contacts.c.user_id).where(*conditions).order_by(contacts.c.user_id).limit(limit)
    return list((await session.execute(recipients)).scalars())
