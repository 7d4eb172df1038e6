from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Text, Uuid, func, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import loctician_treatments, locticians, treatments

COLLATIONS = {"da": "da-x-icu", "en": "en-x-icu"}
COLUMNS = [column for column in treatments.c if column.computed is None]


@dataclass(frozen=True)
class Filter:
    """Which treatments; `inactive` ones beside the others only when asked for."""

    category: str | None = None
    inactive: bool = False


def _columns(language: str) -> list[ColumnElement[Any]]:
    performers = (
        select(func.coalesce(func.array_agg(loctician_treatments.c.loctician_id), literal([], ARRAY(Uuid))))
        .join(locticians, locticians.c.loctician_id == loctician_treatments.c.loctician_id)
        .where(loctician_treatments.c.treatment_id == treatments.c.id, locticians.c.active)
        .correlate(treatments)
        .scalar_subquery()
    )
    category_name = func.booking.category_name(treatments.c.category, language)
    return [*COLUMNS, category_name.label("category_name"), performers.label("loctician_ids")]


def by_name(language: str, wanted: Filter, after: tuple[str, UUID] | None) -> Select[Any]:
    """In the alphabet of the language."""
    name = treatments.c.translations[language]["name"].astext
    sorted_name = name.collate(COLLATIONS[language])
    statement = select(*_columns(language), name.label("name"))
    if not wanted.inactive:
        statement = statement.where(treatments.c.active)
    if wanted.category:
        statement = statement.where(treatments.c.category == wanted.category)
    if after:
        statement = statement.where(tuple_(sorted_name, treatments.c.id) > tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(sorted_name, treatments.c.id)


def by_words(
    language: str, words: list[str], wanted: Filter, after: tuple[int, UUID] | None, limit: int
) -> Select[Any]:
    """The best first; see booking.search_treatments()."""
    rank, last = after or (None, None)
    found = func.booking.search_treatments(
        literal(words, ARRAY(Text)),
        literal(language, Text),
        literal(wanted.category, Text),
        literal(wanted.inactive),
        literal(rank, Integer),
        literal(last, Uuid),
        literal(limit, Integer),
    ).table_valued("treatment_id", "rank", "marked_name", "marked_description")
    return (
        select(*_columns(language), found.c.rank, found.c.marked_name, found.c.marked_description)
        .select_from(found)
        .join(treatments, treatments.c.id == found.c.treatment_id)
        .order_by(found.c.rank.desc(), treatments.c.id)
    )


def treatment(treatment_id: UUID, language: str) -> Select[Any]:
    return select(*_columns(language)).where(treatments.c.id == treatment_id)


async def locked_treatment(session: AsyncSession, treatment_id: UUID) -> Any:
    statement = select(*COLUMNS).where(treatments.c.id == treatment_id).with_for_update()
    return (await session.execute(statement)).one_or_none()


async def add_treatment(session: AsyncSession, treatment_id: UUID, values: dict[str, Any]) -> None:
    await session.execute(insert(treatments).values(id=treatment_id, **values))


async def change_treatment(session: AsyncSession, treatment_id: UUID, values: dict[str, Any]) -> None:
    changed = values | {"version": treatments.c.version + 1, "updated_at": func.now()}
    await session.execute(update(treatments).where(treatments.c.id == treatment_id).values(changed))


async def read_treatment(session: AsyncSession, treatment_id: UUID, language: str) -> Any:
    return (await session.execute(treatment(treatment_id, language))).one_or_none()
