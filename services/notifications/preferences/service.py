"""What a person wants to hear, and how: choices over each channel's defaults, within what must be told."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.contacts.queries import find_contact
from services.notifications.dispatch.channels import Channel, channels
from services.notifications.dispatch.service import choosable, chosen, must
from services.notifications.errors import NothingToChoose, NumberNeeded, Required
from services.notifications.events import PreferencesUpdated
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS, Topic
from services.notifications.preferences import queries
from services.notifications.preferences.queries import Choices
from services.notifications.preferences.schemas import PreferencesRequest
from shared.errors import StaleVersion
from shared.messaging.events import emit


async def get_preferences(session: AsyncSession, user_id: UUID) -> dict[str, Any]:
    known = await queries.find_preferences(session, user_id) or {"language": None, "choices": {}, "version": 0}
    contact = await find_contact(session, user_id) or {"language": None, "phone": None}
    consented = {purpose for _, purpose in await queries.find_consents(session, [user_id])}
    return {
        "language": known["language"] or contact["language"] or "da",
        "phone_known": contact["phone"] is not None,
        "kinds": [_topic(topic, known["choices"], consented) for topic in TOPICS.values()],
        "version": known["version"],
    }


async def put_preferences(
    session: AsyncSession, user_id: UUID, asked: PreferencesRequest, if_match: str | None
) -> dict[str, Any]:
    """In place of what was chosen before. Raises Required, NothingToChoose, NumberNeeded, StaleVersion."""
    known = await queries.find_preferences(session, user_id, lock=True)
    if if_match not in {None, "*", f'"{known["version"] if known else 0}"'}:
        raise StaleVersion
    contact = await find_contact(session, user_id)
    for topic, wanted in asked.kinds.items():
        for channel, on in wanted.items():
            _check(topic, channel, on=on, phone=contact["phone"] if contact else None)
    await queries.put_preferences(session, user_id, asked.language, asked.kinds)
    now = await get_preferences(session, user_id)
    emit(session, PreferencesUpdated(version=now["version"], user_id=user_id, switched_off=_silent(now)))
    return now


async def switch_off(session: AsyncSession, user_id: UUID, topic: str, channel: str) -> None:
    """One choice of somebody known, who is not asked again; the others stay."""
    if await find_contact(session, user_id) is None:
        return
    known = await queries.find_preferences(session, user_id, lock=True) or {"language": None, "choices": {}}
    choices = known["choices"]
    if choices.get(topic, {}).get(channel) is False:
        return
    changed = choices | {topic: choices.get(topic, {}) | {channel: False}}
    await queries.put_preferences(session, user_id, known["language"], changed)
    now = await get_preferences(session, user_id)
    emit(session, PreferencesUpdated(version=now["version"], user_id=user_id, switched_off=_silent(now)))


def _silent(preferences: dict[str, Any]) -> list[str]:
    return [
        one["kind"] for one in preferences["kinds"] if not any(choice["enabled"] for choice in one["channels"].values())
    ]


def _check(topic: str, channel: str, *, on: bool, phone: str | None) -> None:
    if topic not in TOPICS or channel not in _outside(TOPICS[topic]):
        raise NothingToChoose(kind=topic, channel=channel)
    found = channels()[channel]
    if not on and must(found, topic):
        raise Required(kind=topic, channel=channel)
    if on and found.address == "phone" and phone is None:
        raise NumberNeeded(channel=channel)


def _outside(topic: Topic) -> dict[str, Channel]:
    """The channels there may be a choice in: the inbox and realtime messages always are."""
    outside = {name: channel for name, channel in channels().items() if channel.outside}
    return {name: channel for name, channel in outside.items() if choosable(channel, topic.name)}


def _topic(topic: Topic, choices: Choices, consented: set[str]) -> dict[str, Any]:
    found = {
        name: {"enabled": chosen(channel, topic.name, choices), "required": must(channel, topic.name)}
        for name, channel in _outside(topic).items()
    }
    needed = {kind.consent for kind in NOTIFICATION_TYPES.values() if kind.topic == topic.name and kind.consent}
    return {"kind": topic.name, "channels": found, "consent": needed <= consented if needed else None}
