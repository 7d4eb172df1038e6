"""SQL of the treatments catalog."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.models import treatments
from shared.database.session import Database

COLLATIONS = {"da": "da-x-icu", "en": "en-x-icu"}
COLUMNS = [column for column in treatments.c if column.computed is None]


@dataclass(frozen=True)
class Filter:
    """Which treatments a search returns."""

    category: str | None = None
    include_inactive: bool = False


def _page(item: str, key: str) -> str:
    """The end of a statement whose `matches` have the place, id and key of each treatment, at most $1 + 1 of them."""
    return f"""
        SELECT CAST(json_build_object(
            'items', coalesce(json_agg({item} ORDER BY place) FILTER (WHERE place <= $1), '[]'),
            'next_cursor', CASE WHEN count(*) > $1 THEN
                booking.encode_cursor(json_agg(json_build_array({key}, id)) FILTER (WHERE place = $1) -> 0) END
        ) AS text)
        FROM matches JOIN booking.treatments t USING (id)"""


def _by_name(collation: str) -> str:
    name = f"(t.translations -> $2 ->> 'name') COLLATE \"{collation}\""
    return f"""
        WITH matches AS (
            SELECT page.*, row_number() OVER () AS place FROM (
                SELECT t.id, {name} AS name FROM booking.treatments t
                WHERE (t.active OR $4) AND ($3::text IS NULL OR t.category = $3)
                    AND ($5::text IS NULL OR ({name}, t.id) > ($5, $6::uuid))
                ORDER BY name, t.id LIMIT $1 + 1
            ) page
        )""" + _page("booking.treatment_json(t, $2)", "name")


BY_NAME = {language: _by_name(collation) for language, collation in COLLATIONS.items()}
BY_WORDS = """
        WITH matches AS (
            SELECT f.treatment_id AS id, f.rank, f.marked_name, f.marked_description,
                row_number() OVER (ORDER BY f.rank DESC, f.treatment_id) AS place
            FROM booking.search_treatments($7, $2, $3, $4, $5, $6, $1 + 1) f
        )""" + _page(
    """booking.treatment_json(t, $2) || jsonb_build_object('highlight', jsonb_build_object(
        'name', booking.highlight_html(marked_name), 'description', booking.highlight_html(marked_description)))""",
    "rank",
)
TREATMENT = """
    SELECT version, CAST(booking.treatment_json(t, $2) AS text) AS answer FROM booking.treatments t WHERE id = $1"""
STATES = text("""
    SELECT jsonb_build_object(
        'version', t.version, 'service_id', t.id, 'category', t.category, 'duration_minutes', t.duration_minutes,
        'price_amount', t.price_amount, 'currency', 'DKK', 'translations', t.translations, 'active', t.active)
    FROM booking.treatments t WHERE t.id > :after ORDER BY t.id LIMIT :limit
""")


async def by_name(database: Database, language: str, wanted: Filter, after: tuple[str, UUID] | None, limit: int) -> str:
    """A page in JSON, by name in the alphabetical order of the language."""
    name, last = after or (None, None)
    page: str = await database.autocommit.value(
        BY_NAME[language], limit, language, wanted.category, wanted.include_inactive, name, last
    )
    return page


async def by_words(
    database: Database,
    language: str,
    words: list[str],
    wanted: Filter,
    after: tuple[int, UUID] | None,
    limit: int,
) -> str:
    """A page in JSON, the best matches first; see booking.search_treatments()."""
    rank, last = after or (None, None)
    page: str = await database.autocommit.value(
        BY_WORDS, limit, language, wanted.category, wanted.include_inactive, rank, last, words
    )
    return page


async def treatment(database: Database, treatment_id: UUID, language: str) -> Any:
    """A row of the version and of the answer in JSON; None if there is no such treatment."""
    return await database.autocommit.row(TREATMENT, treatment_id, language)


async def lock_treatment(session: AsyncSession, treatment_id: UUID) -> Any:
    statement = select(*COLUMNS).where(treatments.c.id == treatment_id).with_for_update()
    return (await session.execute(statement)).one_or_none()


async def add_treatment(session: AsyncSession, treatment_id: UUID, values: dict[str, Any]) -> None:
    await session.execute(insert(treatments).values(id=treatment_id, **values))


async def change_treatment(session: AsyncSession, treatment_id: UUID, values: dict[str, Any]) -> None:
    changed = values | {"version": treatments.c.version + 1, "updated_at": func.now()}
    await session.execute(update(treatments).where(treatments.c.id == treatment_id).values(changed))


async def read_treatment(session: AsyncSession, treatment_id: UUID, language: str) -> Any:
    """The row, with the `answer` that the API gives."""
    answer = func.booking.treatment_json(literal_column("treatments"), language, type_=JSONB)
    statement = select(*COLUMNS, answer.label("answer")).where(treatments.c.id == treatment_id)
    return (await session.execute(statement)).one()
