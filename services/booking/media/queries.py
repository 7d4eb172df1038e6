"""SQL of pictures. The files are read by nothing but file(): they are stored apart from their rows (TOAST)."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.media.tables import media
from services.booking.models import locticians, treatments
from shared.database.session import Database

ABOUT = (media.c.id, media.c.kind, media.c.loctician_id, media.c.treatment_id)


def owner() -> ColumnElement[Any]:
    return func.coalesce(media.c.loctician_id, media.c.treatment_id)


async def lock_pictures(session: AsyncSession, kind: str, owner_id: UUID | None) -> list[Any]:
    """What is stored of this kind. Nobody else can add to it until the transaction ends."""
    name = f"booking.media.{kind}.{owner_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    statement = select(*ABOUT).where(media.c.kind == kind, owner().is_not_distinct_from(owner_id))
    return list((await session.execute(statement)).all())


async def owner_exists(session: AsyncSession, loctician_id: UUID | None, treatment_id: UUID | None) -> bool:
    statement: Select[Any] = select(func.count())
    if loctician_id is not None:
        statement = statement.where(locticians.c.loctician_id == loctician_id, locticians.c.active)
    elif treatment_id is not None:
        statement = statement.where(treatments.c.id == treatment_id)
    else:
        return True
    return bool((await session.execute(statement)).scalar_one())


async def add(session: AsyncSession, values: dict[str, Any]) -> Any:
    statement = insert(media).values(values).returning(*ABOUT, media.c.width, media.c.height, media.c.created_at)
    return (await session.execute(statement)).one()


async def find(session: AsyncSession, media_id: UUID) -> Any:
    return (await session.execute(select(*ABOUT).where(media.c.id == media_id))).one_or_none()


async def remove(session: AsyncSession, media_id: UUID) -> None:
    await session.execute(delete(media).where(media.c.id == media_id))


async def file(database: Database, media_id: UUID, size: str) -> bytes | None:
    rows = await database.call(select(media.c[size]).where(media.c.id == media_id))
    return bytes(rows[0][0]) if rows else None


def of_person(person_id: UUID) -> Select[Any]:
    """The pictures of a person, and those that the person uploaded, each with the address of its large file. Anybody
    can get the files there, so the export has no copies of them."""
    address = func.concat("/api/v1/media/", media.c.id, "/large")
    columns = (*ABOUT, media.c.width, media.c.height, media.c.created_at, address.label("file"))
    return (
        select(*columns)
        .where(or_(media.c.loctician_id == person_id, media.c.uploaded_by == person_id))
        .order_by(media.c.created_at)
    )
