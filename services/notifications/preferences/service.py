"""Which notifications a person wants through which channel, within what must be sent."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.contacts.queries import find_contact, lock_known_contact
from services.notifications.dispatch.channels import Channel, channels
from services.notifications.dispatch.service import is_available, is_enabled, is_required
from services.notifications.errors import ChannelRequired, PhoneRequired, UnknownChoice
from services.notifications.events import PreferencesUpdated
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS, Topic
from services.notifications.preferences import queries
from services.notifications.preferences.queries import Choices
from services.notifications.preferences.schemas import PreferencesRequest
from shared.http.preconditions import check_match
from shared.messaging.events import emit
from shared.messaging.subscriptions import Received


class Proof(BaseModel):
    user_id: UUID
    reset: bool = False


async def remove_choices_of_a_stranger(session: AsyncSession, event: Received[Proof]) -> None:
    """The choices may be of somebody who had registered another person's address."""
    if event.data.reset:
        await queries.delete_preferences(session, event.data.user_id)


async def get_preferences(session: AsyncSession, user_id: UUID) -> dict[str, Any]:
    stored = await queries.find_preferences(session, user_id) or {"language": None, "choices": {}, "version": 0}
    contact = await find_contact(session, user_id) or {"language": None, "phone": None}
    consents = {purpose for _, purpose in await queries.find_consents(session, [user_id])}
    return {
        "language": stored["language"] or contact["language"] or "da",
        "phone_known": contact["phone"] is not None,
        "kinds": [_topic(topic, stored["choices"], consents) for topic in TOPICS.values()],
        "version": stored["version"],
    }


async def put_preferences(
    session: AsyncSession, user_id: UUID, request: PreferencesRequest, if_match: str | None
) -> dict[str, Any]:
    """Replaces all earlier choices. Raises ChannelRequired, PhoneRequired, StaleVersion, UnknownChoice."""
    stored = await queries.find_preferences(session, user_id, lock=True)
    check_match(if_match, stored["version"] if stored else 0)
    contact = await find_contact(session, user_id)
    phone = contact["phone"] if contact else None
    for topic, choices in request.kinds.items():
        for channel, enabled in choices.items():
            _check(topic, channel, enabled=enabled, phone=phone)
    return await _save(session, user_id, request.language, request.kinds)


async def switch_off(session: AsyncSession, user_id: UUID, topic: str, channel: str) -> None:
    """Switches off one topic in one channel; other choices stay. Does nothing for an unknown or erased person."""
    if not await lock_known_contact(session, user_id):
        return
    stored = await queries.find_preferences(session, user_id, lock=True) or {"language": None, "choices": {}}
    choices = stored["choices"]
    if choices.get(topic, {}).get(channel) is False:
        return
    changed = choices | {topic: choices.get(topic, {}) | {channel: False}}
    await _save(session, user_id, stored["language"], changed)


async def _save(session: AsyncSession, user_id: UUID, language: str | None, choices: Choices) -> dict[str, Any]:
    await queries.put_preferences(session, user_id, language, choices)
    preferences = await get_preferences(session, user_id)
    silent = _switched_off(preferences)
    emit(session, PreferencesUpdated(version=preferences["version"], user_id=user_id, switched_off=silent))
    return preferences


def _switched_off(preferences: dict[str, Any]) -> list[str]:
    """Topics that reach the person through no external channel."""
    return [
        topic["kind"]
        for topic in preferences["kinds"]
        if not any(choice["enabled"] for choice in topic["channels"].values())
    ]


def _check(topic: str, channel_name: str, *, enabled: bool, phone: str | None) -> None:
    if topic not in TOPICS or channel_name not in _choices_of(TOPICS[topic]):
        raise UnknownChoice(kind=topic, channel=channel_name)
    channel = channels()[channel_name]
    if not enabled and is_required(channel, topic):
        raise ChannelRequired(kind=topic, channel=channel_name)
    if enabled and channel.address == "phone" and phone is None:
        raise PhoneRequired(channel=channel_name)


def _choices_of(topic: Topic) -> dict[str, Channel]:
    """The channels a person can choose for a topic. Inbox and realtime messages are always on."""
    return {
        name: channel for name, channel in channels().items() if channel.external and is_available(channel, topic.name)
    }


def _topic(topic: Topic, choices: Choices, consents: set[str]) -> dict[str, Any]:
    settings = {
        name: {"enabled": is_enabled(channel, topic.name, choices), "required": is_required(channel, topic.name)}
        for name, channel in _choices_of(topic).items()
    }
    needed = {type_.consent for type_ in NOTIFICATION_TYPES.values() if type_.topic == topic.name and type_.consent}
    return {"kind": topic.name, "channels": settings, "consent": needed <= consents if needed else None}
