"""Consents: given to a text that was read, in the language it was read in, and withdrawn as easily."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.consents import queries
from services.gdpr.consents.texts import ASKED, Wording
from services.gdpr.errors import ConsentTextChanged, UnknownPurpose
from services.gdpr.events import ConsentChanged
from shared.messaging.events import emit


async def of(session: AsyncSession, user_id: UUID, language: str) -> list[dict[str, Any]]:
    """Every purpose with the text that is asked now, and what the person last said."""
    said = {row.purpose: row for row in await queries.current(session, user_id)}
    return [_told(purpose, wording, said.get(purpose), language) for purpose, wording in ASKED.items()]


def _told(purpose: str, wording: Wording, said: Any, language: str) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "text": wording.text[language],
        "text_version": wording.version,
        "granted": bool(said and said.granted),
        "said_of_version": said.text_version if said else None,
        "said_at": said.at if said else None,
    }


async def say(session: AsyncSession, user_id: UUID, answers: Sequence[Mapping[str, Any]], language: str) -> None:
    """Keeps what has changed. Raises UnknownPurpose, ConsentTextChanged."""
    await queries.one_at_a_time(session, user_id)
    said = {row.purpose: row for row in await queries.current(session, user_id)}
    for answer in answers:
        purpose, granted = answer["purpose"], answer["granted"]
        wording = ASKED.get(purpose)
        if wording is None:
            raise UnknownPurpose(purpose=purpose)
        if granted and answer["text_version"] != wording.version:
            raise ConsentTextChanged
        before = said.get(purpose)
        now = (granted, wording.version)
        if (before.granted, before.text_version) == now if before else not granted:
            continue
        told = {"user_id": user_id, "purpose": purpose, "granted": granted, "text_version": wording.version}
        version = await queries.add(session, **told, language=language)
        emit(session, ConsentChanged(version=version, **told))
