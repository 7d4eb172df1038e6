"""Gives each message to the channels that its type has and its recipient wants."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.channels import Channel, channels
from services.notifications.dispatch.messages import Message, without_duplicates
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS
from services.notifications.preferences.queries import find_choices, find_consents
from services.notifications.workers import wake_workers_after_commit

Choices = Mapping[str, Mapping[str, bool]]


async def dispatch(session: AsyncSession, messages: Sequence[Message]) -> int:
    """Stores the messages for sending. Call it once in a transaction: it locks the recipients' rows in one order.

    Returns how many messages were dispatched; those whose recipient has not given the needed consent are not. Nobody is
    notified of a republished event.
    """
    if session.info.get("republished"):
        return 0
    allowed = await _with_consent(session, without_duplicates(messages))
    ordered = sorted(allowed, key=lambda message: message.recipient_id)
    if not ordered:
        return 0
    choices = await find_choices(session, {message.recipient_id for message in ordered})
    for channel in channels().values():
        wanted = [message for message in ordered if _uses(channel, message, choices.get(message.recipient_id, {}))]
        if wanted:
            await channel.store(session, wanted)
    wake_workers_after_commit(session)
    return len(ordered)


async def _with_consent(session: AsyncSession, messages: Sequence[Message]) -> list[Message]:
    needed = {message.kind: NOTIFICATION_TYPES[message.kind].consent for message in messages}
    recipients = {message.recipient_id for message in messages if needed[message.kind]}
    consents = await find_consents(session, recipients) if recipients else set()
    return [
        message
        for message in messages
        if (purpose := needed[message.kind]) is None or (message.recipient_id, purpose) in consents
    ]


def _uses(channel: Channel, message: Message, choices: Choices) -> bool:
    notification_type = NOTIFICATION_TYPES[message.kind]
    if not channel.external:
        return notification_type.in_app
    if message.in_app_only or not notification_type.external:
        return False
    return is_enabled(channel, notification_type.topic, choices)


def is_enabled(channel: Channel, topic: str, choices: Choices) -> bool:
    if is_required(channel, topic):
        return True
    if not is_available(channel, topic):
        return False
    return choices.get(topic, {}).get(channel.name, channel.default)


def is_available(channel: Channel, topic: str) -> bool:
    """Whether the topic can be received through this channel at all."""
    return channel.default or TOPICS[topic].opt_in


def is_required(channel: Channel, topic: str) -> bool:
    """Whether the topic cannot be switched off in this channel."""
    return TOPICS[topic].required and channel.default
