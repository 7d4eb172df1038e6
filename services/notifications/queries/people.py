"""Contacts, and what ids are called."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import contacts, loctician_names, treatment_names
from services.notifications.queries.rows import Row, found, put_newer

MOST_COLLEAGUES = 100


async def put_contact(session: AsyncSession, person: Row, version: int) -> None:
    await put_newer(session, contacts, "user_id", dict(person), contacts.c.version, version)


async def put_role(session: AsyncSession, user_id: UUID, role: str, version: int) -> None:
    await put_newer(session, contacts, "user_id", {"user_id": user_id, "role": role}, contacts.c.role_version, version)


async def put_active(session: AsyncSession, user_id: UUID, active: bool, version: int) -> None:
    values = {"user_id": user_id, "active": active}
    await put_newer(session, contacts, "user_id", values, contacts.c.active_version, version)


async def name_treatment(session: AsyncSession, treatment_id: UUID, names: dict[str, str], version: int) -> None:
    values = {"treatment_id": treatment_id, "names": names}
    await put_newer(session, treatment_names, "treatment_id", values, treatment_names.c.version, version)


async def name_loctician(session: AsyncSession, loctician_id: UUID, name: str, version: int) -> None:
    values = {"loctician_id": loctician_id, "display_name": name}
    await put_newer(session, loctician_names, "loctician_id", values, loctician_names.c.version, version)


async def treatments_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    named = select(treatment_names.c.treatment_id, treatment_names.c.names)
    return {row[0]: row[1] for row in await session.execute(named.where(treatment_names.c.treatment_id.in_(ids)))}


async def locticians_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    named = select(loctician_names.c.loctician_id, loctician_names.c.display_name)
    return {row[0]: row[1] for row in await session.execute(named.where(loctician_names.c.loctician_id.in_(ids)))}


async def customers_called(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    named = select(contacts.c.user_id, contacts.c.full_name).where(contacts.c.full_name.is_not(None))
    return {row[0]: row[1] for row in await session.execute(named.where(contacts.c.user_id.in_(ids)))}


async def colleagues(session: AsyncSession, roles: Sequence[str]) -> list[UUID]:
    """Those active in one of the roles, up to MOST_COLLEAGUES."""
    chosen = select(contacts.c.user_id).where(contacts.c.role.in_(roles), contacts.c.active)
    return list((await session.execute(chosen.order_by(contacts.c.user_id).limit(MOST_COLLEAGUES))).scalars())


async def next_people(session: AsyncSession, role: str | None, after: UUID | None, limit: int) -> list[UUID]:
    """Everybody active, or those in a role, by id."""
    wanted: list[Any] = [contacts.c.active]
    if role is not None:
        wanted.append(contacts.c.role == role)
    if after is not None:
        wanted.append(contacts.c.user_id > after)
    chosen = select(contacts.c.user_id).where(*wanted).order_by(contacts.c.user_id).limit(limit)
    return list((await session.execute(chosen)).scalars())


async def contact(session: AsyncSession, user_id: UUID) -> Row | None:
    rows = await found(session, select(contacts).where(contacts.c.user_id == user_id))
    return rows[0] if rows else None
