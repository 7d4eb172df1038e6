"""Consents: given to a text that was read, in the language it was read in, and withdrawn as easily."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.errors import ConsentTextChanged, UnknownPurpose
from services.gdpr.events import ConsentChanged
from services.gdpr.queries import consents as queries
from shared.errors import Texts
from shared.messaging.events import emit


@dataclass(frozen=True)
class Wording:
    """A change of a text is a new version; who agreed to an older one is asked again before it counts for more."""

    version: int
    text: Texts


ASKED: Mapping[str, Wording] = {
    "marketing": Wording(
        1,
        {
            "da": "Ja tak til nyheder og tilbud fra salonen pr. e-mail og sms. Jeg kan til enhver tid sige nej igen.",
            "en": "Yes to news and offers from the salon by e-mail and text message. I can withdraw this at any time.",
        },
    ),
    "portfolio": Wording(
        1,
        {
            "da": "Salonen må vise billeder af mit hår på sin hjemmeside og på Instagram. Jeg kan til enhver tid "
            "trække det tilbage, og så fjernes billederne.",
            "en": "The salon may show pictures of my hair on its website and on Instagram. I can withdraw this at any "
            "time, and the pictures are then removed.",
        },
    ),
}


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
