"""Gives and withdraws consents, each with the version and language of the text that was read (GDPR Art. 7)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.consents import queries
from services.gdpr.consents.serializers import consent
from services.gdpr.consents.texts import TEXTS
from services.gdpr.errors import ConsentTextChanged, UnknownPurpose
from services.gdpr.events import ConsentChanged
from shared.messaging.events import emit


async def list_consents(session: AsyncSession, user_id: UUID, language: str) -> list[dict[str, Any]]:
    """Every purpose with its current text and the person's last answer."""
    answers = await _last_answers(session, user_id)
    return [consent(purpose, text, answers.get(purpose), language) for purpose, text in TEXTS.items()]


async def answer_consents(
    session: AsyncSession, user_id: UUID, answers: Sequence[Mapping[str, Any]], language: str
) -> None:
    """Stores the answers that change anything. Raises UnknownPurpose or ConsentTextChanged."""
    await queries.lock(session, user_id)
    last_answers = await _last_answers(session, user_id)
    for answer in answers:
        purpose, granted = answer["purpose"], answer["granted"]
        text = TEXTS.get(purpose)
        if text is None:
            raise UnknownPurpose(purpose=purpose)
        if granted and answer["text_version"] != text.version:
            raise ConsentTextChanged
        if not _changes(last_answers.get(purpose), granted, text.version):
            continue
        change = {"user_id": user_id, "purpose": purpose, "granted": granted, "text_version": text.version}
        version = await queries.add(session, **change, language=language)
        emit(session, ConsentChanged(version=version, **change))


async def _last_answers(session: AsyncSession, user_id: UUID) -> dict[str, Row[Any]]:
    return {row.purpose: row for row in await queries.current(session, user_id)}


def _changes(last: Row[Any] | None, granted: bool, text_version: int) -> bool:
    """A first "no" changes nothing, because nothing was granted."""
    return granted if last is None else (last.granted, last.text_version) != (granted, text_version)
