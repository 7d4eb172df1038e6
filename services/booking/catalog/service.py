"""Treatments: finding them, and keeping the catalog."""

import re
import unicodedata
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import CURRENCY
from services.booking.catalog import queries
from services.booking.catalog.queries import Filter
from services.booking.catalog.schemas import TreatmentInput
from services.booking.dependencies import is_salon
from services.booking.errors import SalonOnly
from services.booking.events import TreatmentArchived, TreatmentCreated, TreatmentEvent, TreatmentUpdated
from services.booking.sql_calls import keyed
from services.booking.versions import accept_match, require_match
from shared.database.session import Database
from shared.errors import BadCursor, NotFound
from shared.http.idempotency import once
from shared.http.pagination import decode_cursor
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id

MOST_WORDS = 8
LONGEST_WORD = 40
HIGHEST_RANK = 10_000_000
WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """What is searched for: letters and digits only, so that nothing typed means anything to the database."""
    words = (word[:LONGEST_WORD] for word in WORD.findall(unicodedata.normalize("NFC", text)))
    return list(dict.fromkeys(words))[:MOST_WORDS]


async def search(
    database: Database,
    who: Principal | None,
    language: str,
    text: str | None,
    wanted: Filter,
    cursor: str | None,
    limit: int,
) -> str:
    """By name, or by relevance when there is a text. Raises SalonOnly for who may not see the inactive ones."""
    if wanted.inactive and not is_salon(who):
        raise SalonOnly
    if text is None or not text.strip():
        return await _by_name(database, language, wanted, cursor, limit)
    return await _by_words(database, language, words_of(text), wanted, cursor, limit)


async def _by_name(database: Database, language: str, wanted: Filter, cursor: str | None, limit: int) -> str:
    name, last = decode_cursor(cursor, str, UUID) if cursor else (None, None)
    after = None if name is None or last is None else (name, last)
    return await queries.by_name(database, language, wanted, after, limit)


async def _by_words(
    database: Database, language: str, words: list[str], wanted: Filter, cursor: str | None, limit: int
) -> str:
    after = None
    if cursor:
        rank, last = decode_cursor(cursor, int, UUID)
        if not 0 <= rank <= HIGHEST_RANK:
            raise BadCursor
        after = (rank, last)
    return await queries.by_words(database, language, words, wanted, after, limit)


async def treatment(database: Database, treatment_id: UUID, language: str) -> tuple[int, str]:
    """Its version, and the answer."""
    found = await queries.treatment(database, treatment_id, language)
    if found is None:
        raise NotFound
    return found["version"], found["answer"]


async def create(
    session: AsyncSession, who: Principal, asked: TreatmentInput, key: str | None, language: str
) -> dict[str, Any]:
    async def add() -> dict[str, Any]:
        treatment_id = new_id()
        await queries.add_treatment(session, treatment_id, _values(asked))
        return await _tell(session, TreatmentCreated, treatment_id, language)

    return await once(session, who.id, key, keyed("services", key, asked)["request_hash"], add)


async def replace(
    session: AsyncSession, treatment_id: UUID, asked: TreatmentInput, if_match: str | None, language: str
) -> dict[str, Any]:
    found = await queries.locked_treatment(session, treatment_id)
    if found is None:
        raise NotFound
    require_match(if_match, found.version)
    await queries.change_treatment(session, treatment_id, _values(asked))
    archived = found.active and not asked.active
    return await _tell(session, TreatmentArchived if archived else TreatmentUpdated, treatment_id, language)


async def archive(session: AsyncSession, treatment_id: UUID, if_match: str | None, language: str) -> None:
    """Takes the treatment off the catalog; bookings keep it. Done twice, it is done once."""
    found = await queries.locked_treatment(session, treatment_id)
    if found is None:
        raise NotFound
    accept_match(if_match, found.version)
    if found.active:
        await queries.change_treatment(session, treatment_id, {"active": False})
        await _tell(session, TreatmentArchived, treatment_id, language)


def _values(asked: TreatmentInput) -> dict[str, Any]:
    same = asked.model_dump(exclude={"price", "processing"})
    return same | {
        "price_amount": asked.price.amount,
        "processing_start_minutes": asked.processing and asked.processing.start_minutes,
        "processing_minutes": asked.processing and asked.processing.minutes,
    }


async def _tell(
    session: AsyncSession, event: type[TreatmentEvent], treatment_id: UUID, language: str
) -> dict[str, Any]:
    """Emits what became of the treatment, and answers it."""
    row = await queries.read_treatment(session, treatment_id, language)
    emit(
        session,
        event(
            version=row.version,
            treatment_id=row.id,
            category=row.category,
            duration_minutes=row.duration_minutes,
            price_amount=row.price_amount,
            currency=CURRENCY,
            translations=row.translations,
            active=row.active,
        ),
    )
    answer: dict[str, Any] = row.answer
    return answer
