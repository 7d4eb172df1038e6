"""SQL of names: of treatments, locticians and the salon (projections of booking) and of customers."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import contacts, loctician_names, salon, treatment_names
from services.notifications.rows import Row, fetch_first, upsert_if_newer

SALON = ("name", "legal_name", "cvr_number", "address", "phone")


async def upsert_treatment_name(session: AsyncSession, treatment_id: UUID, names: dict[str, str], version: int) -> None:
    """`names` by language."""
    values = {"treatment_id": treatment_id, "names": names}
    await upsert_if_newer(session, treatment_names, "treatment_id", values, treatment_names.c.version, version)


async def upsert_loctician_name(session: AsyncSession, loctician_id: UUID, name: str, version: int) -> None:
    values = {"loctician_id": loctician_id, "display_name": name}
    await upsert_if_newer(session, loctician_names, "loctician_id", values, loctician_names.c.version, version)


async def upsert_salon(session: AsyncSession, values: Row, version: int) -> None:
    """`values`: name, legal_name, cvr_number, address, phone."""
    await upsert_if_newer(session, salon, "singleton", {"singleton": True, **values}, salon.c.version, version)


async def find_salon(session: AsyncSession) -> Row | None:
    return await fetch_first(session, select(*(salon.c[name] for name in SALON)))


async def find_treatment_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    names = select(treatment_names.c.treatment_id, treatment_names.c.names)
    return {row[0]: row[1] for row in await session.execute(names.where(treatment_names.c.treatment_id.in_(ids)))}


async def find_loctician_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    names = select(loctician_names.c.loctician_id, loctician_names.c.display_name)
    return {row[0]: row[1] for row in await session.execute(names.where(loctician_names.c.loctician_id.in_(ids)))}


async def find_customer_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    names = select(contacts.c.user_id, contacts.c.full_name).where(contacts.c.full_name.is_not(None))
    return {row[0]: row[1] for row in await session.execute(names.where(contacts.c.user_id.in_(ids)))}
