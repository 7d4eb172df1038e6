"""SQL of contacts: the projection of auth's people."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import contacts
from services.notifications.rows import Row, fetch_first, upsert_if_newer

MOST_COLLEAGUES = 100


async def upsert_contact(session: AsyncSession, person: Row, version: int) -> None:
    await upsert_if_newer(session, contacts, "user_id", dict(person), contacts.c.version, version)


async def upsert_role(session: AsyncSession, user_id: UUID, role: str, version: int) -> None:
    values = {"user_id": user_id, "role": role}
    await upsert_if_newer(session, contacts, "user_id", values, contacts.c.role_version, version)


async def upsert_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> None:
    values = {"user_id": user_id, "active": active}
    await upsert_if_newer(session, contacts, "user_id", values, contacts.c.active_version, version)


async def find_contact(session: AsyncSession, user_id: UUID) -> Row | None:
    return await fetch_first(session, select(contacts).where(contacts.c.user_id == user_id))


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
