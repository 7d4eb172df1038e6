"""Names of treatments, locticians and the salon, and people's languages: projections that feeds are written with."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import languages, loctician_names, salon, treatment_names
from services.calendar.rows import put_newest

DEFAULT_LANGUAGE = "da"


async def put_treatment_names(
    session: AsyncSession, treatment_id: UUID, names: Mapping[str, str], version: int
) -> None:
    await put_newest(session, treatment_names, treatment_names.c.treatment_id, treatment_id, {"names": names}, version)


async def put_loctician_name(session: AsyncSession, loctician_id: UUID, name: str, version: int) -> None:
    values = {"display_name": name}
    await put_newest(session, loctician_names, loctician_names.c.loctician_id, loctician_id, values, version)


async def put_language(session: AsyncSession, person_id: UUID, language: str, version: int) -> bool:
    """Returns whether the version is newer than the one known."""
    return await put_newest(session, languages, languages.c.person_id, person_id, {"language": language}, version)


async def put_salon(session: AsyncSession, values: Mapping[str, str], version: int) -> None:
    """`values`: name and address."""
    row = insert(salon).values({**values, "version": version})
    newer = salon.c.version < version
    await session.execute(
        row.on_conflict_do_update(index_elements=["singleton"], set_={**values, "version": version}, where=newer)
    )


async def salon_place(session: AsyncSession) -> str:
    """Name and address of the salon; empty until it has said them."""
    row = (await session.execute(select(salon.c.name, salon.c.address))).first()
    return ", ".join(filter(None, row or ()))


async def names_for(
    session: AsyncSession, treatment_ids: Iterable[UUID], loctician_ids: Iterable[UUID], language: str
) -> dict[UUID, str]:
    """The names of treatments and locticians by id, without those that no event has named yet."""
    translated = func.coalesce(
        treatment_names.c.names[language].astext, treatment_names.c.names[DEFAULT_LANGUAGE].astext
    )
    treatments = select(treatment_names.c.treatment_id, translated).where(
        treatment_names.c.treatment_id.in_(list(treatment_ids)), translated.is_not(None)
    )
    locticians = select(loctician_names.c.loctician_id, loctician_names.c.display_name).where(
        loctician_names.c.loctician_id.in_(list(loctician_ids))
    )
    return {row[0]: row[1] for row in await session.execute(treatments.union_all(locticians))}


async def language_of(session: AsyncSession, person_id: UUID) -> str:
    language = select(languages.c.language).where(languages.c.person_id == person_id)
    return str((await session.execute(language)).scalar() or DEFAULT_LANGUAGE)
