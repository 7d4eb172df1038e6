"""Treatments and the locticians who perform them."""

from typing import Any
from uuid import UUID

from services.booking.answers import catalog as answers
from services.booking.models import locticians
from services.booking.queries import catalog as queries
from shared.db import Database
from shared.errors import NotFound
from shared.schemas import decode_cursor, encode_cursor


def _after(cursor: str | None) -> tuple[str, UUID] | None:
    if cursor is None:
        return None
    name, one = decode_cursor(cursor, str, UUID)
    return name, one


async def search(
    database: Database, language: str, words: str | None, category: str | None, cursor: str | None, limit: int
) -> dict[str, Any]:
    rows = await database.call(queries.catalog(language, words, category, _after(cursor)).limit(limit + 1))
    more = encode_cursor(rows[limit - 1].name, str(rows[limit - 1].id)) if len(rows) > limit else None
    return {"items": [answers.treatment(row, language) for row in rows[:limit]], "next_cursor": more}


async def treatment(database: Database, treatment_id: UUID, language: str) -> dict[str, Any]:
    rows = await database.call(queries.treatment(treatment_id))
    if not rows:
        raise NotFound
    return answers.treatment(rows[0], language)


async def profiles(database: Database, language: str, cursor: str | None, limit: int) -> dict[str, Any]:
    rows = await database.call(queries.profiles(_after(cursor)).limit(limit + 1))
    last = rows[limit - 1] if len(rows) > limit else None
    more = encode_cursor(last.display_name, str(last.loctician_id)) if last else None
    return {"items": [answers.loctician(row, language) for row in rows[:limit]], "next_cursor": more}


async def profile(database: Database, loctician_id: UUID, language: str) -> dict[str, Any]:
    rows = await database.call(queries.profiles().where(locticians.c.loctician_id == loctician_id))
    if not rows:
        raise NotFound
    return answers.loctician(rows[0], language)
