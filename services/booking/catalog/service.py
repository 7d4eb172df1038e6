"""The catalog of treatments: search it and maintain it."""

import re
import unicodedata
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import CURRENCY
from services.booking.catalog import queries
from services.booking.catalog.queries import Filter
from services.booking.catalog.schemas import TreatmentInput
from services.booking.dependencies import is_staff
from services.booking.errors import SalonOnly
from services.booking.events import TreatmentArchived, TreatmentCreated, TreatmentEvent, TreatmentUpdated
from services.booking.serializers import Answer
from services.booking.sql_calls import request_hash
from shared.database.session import Database
from shared.errors import BadCursor, NotFound
from shared.http.idempotency import once
from shared.http.pagination import decode_cursor
from shared.http.preconditions import check_match, require_match
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id

MAX_WORDS = 8
MAX_WORD_LENGTH = 40
MAX_RANK = 10_000_000
WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words to search for: letters and digits only, so that no character is an operator of a text search."""
    words = (word[:MAX_WORD_LENGTH] for word in WORD.findall(unicodedata.normalize("NFC", text)))
    return list(dict.fromkeys(words))[:MAX_WORDS]


async def search(
    database: Database,
    principal: Principal | None,
    language: str,
    text: str | None,
    wanted: Filter,
    cursor: str | None,
    limit: int,
) -> str:
    """One page in JSON: by relevance if there is a text, else by name. Raises SalonOnly or BadCursor."""
    if wanted.include_inactive and not is_staff(principal):
        raise SalonOnly
    if text is None or not text.strip():
        return await _by_name(database, language, wanted, cursor, limit)
    return await _by_words(database, language, words_of(text), wanted, cursor, limit)


async def _by_name(database: Database, language: str, wanted: Filter, cursor: str | None, limit: int) -> str:
    name, last_id = decode_cursor(cursor, str, UUID) if cursor else (None, None)
    after = None if name is None or last_id is None else (name, last_id)
    return await queries.by_name(database, language, wanted, after, limit)


async def _by_words(
    database: Database, language: str, words: list[str], wanted: Filter, cursor: str | None, limit: int
) -> str:
    after = None
    if cursor:
        rank, last_id = decode_cursor(cursor, int, UUID)
        if not 0 <= rank <= MAX_RANK:
            raise BadCursor
        after = (rank, last_id)
    return await queries.by_words(database, language, words, wanted, after, limit)


async def get(database: Database, treatment_id: UUID, language: str) -> tuple[int, str]:
    """The version of the treatment, and the answer in JSON. Raises NotFound."""
    row = await queries.treatment(database, treatment_id, language)
    if row is None:
        raise NotFound
    return row["version"], row["answer"]


async def create(
    session: AsyncSession, principal: Principal, request: TreatmentInput, key: str | None, language: str
) -> Answer:
    async def add() -> Answer:
        treatment_id = new_id()
        await queries.add_treatment(session, treatment_id, _values(request))
        return await _emit_and_serialize(session, TreatmentCreated, treatment_id, language)

    return await once(session, principal.id, key, request_hash("services", request), add)


async def replace(
    session: AsyncSession, treatment_id: UUID, request: TreatmentInput, if_match: str | None, language: str
) -> Answer:
    """Raises NotFound, PreconditionRequired or StaleVersion."""
    row = await queries.lock_treatment(session, treatment_id)
    if row is None:
        raise NotFound
    require_match(if_match, row.version)
    await queries.change_treatment(session, treatment_id, _values(request))
    event = TreatmentArchived if row.active and not request.active else TreatmentUpdated
    return await _emit_and_serialize(session, event, treatment_id, language)


async def archive(session: AsyncSession, treatment_id: UUID, if_match: str | None, language: str) -> None:
    """Takes the treatment out of the catalog; existing bookings keep it. Does nothing if it is archived already.

    Raises NotFound or StaleVersion.
    """
    row = await queries.lock_treatment(session, treatment_id)
    if row is None:
        raise NotFound
    check_match(if_match, row.version)
    if row.active:
        await queries.change_treatment(session, treatment_id, {"active": False})
        await _emit_and_serialize(session, TreatmentArchived, treatment_id, language)


def _values(request: TreatmentInput) -> dict[str, Any]:
    return request.model_dump(exclude={"price", "processing"}) | {
        "price_amount": request.price.amount,
        "processing_start_minutes": request.processing and request.processing.start_minutes,
        "processing_minutes": request.processing and request.processing.minutes,
    }


async def _emit_and_serialize(
    session: AsyncSession, event: type[TreatmentEvent], treatment_id: UUID, language: str
) -> Answer:
    row = await queries.read_treatment(session, treatment_id, language)
    emit(
        session,
        event(
            version=row.version,
            service_id=row.id,
            category=row.category,
            duration_minutes=row.duration_minutes,
            price_amount=row.price_amount,
            currency=CURRENCY,
            translations=row.translations,
            active=row.active,
        ),
    )
    answer: Answer = row.answer
    return answer
