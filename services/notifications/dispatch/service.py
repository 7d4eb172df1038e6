"""Telling people: each message through the channels its kind has and its recipient wants."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.channels import Channel, channels
from services.notifications.dispatch.messages import Message, distinct
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS
from services.notifications.preferences.queries import find_choices, find_consents
from services.notifications.workers import wake_workers_after_commit

Choices = Mapping[str, Mapping[str, bool]]


async def tell(session: AsyncSession, messages: Sequence[Message]) -> int:
    """Once a transaction: the rows of several recipients are locked in one order. Returns how many messages were told:
    all but those that need a consent there is not."""
    allowed = await _consented(session, distinct(messages))
    told = sorted(allowed, key=lambda message: message.recipient_id)
    if not told:
        return 0
    choices = await find_choices(session, {message.recipient_id for message in told})
    for channel in channels().values():
        wanted = [one for one in told if reaches(channel, one, choices.get(one.recipient_id, {}))]
        if wanted:
            await channel.tell(session, wanted)
    wake_workers_after_commit(session)
    return len(told)


async def _consented(session: AsyncSession, messages: Sequence[Message]) -> list[Message]:
    asking = {one.recipient_id for one in messages if NOTIFICATION_TYPES[one.kind].consent}
    given = await find_consents(session, asking) if asking else set()
    return [
        one
        for one in messages
        if (need := NOTIFICATION_TYPES[one.kind].consent) is None or (one.recipient_id, need) in given
    ]


def reaches(channel: Channel, message: Message, choices: Choices) -> bool:
    kind = NOTIFICATION_TYPES[message.kind]
    if not channel.outside:
        return kind.inside
    if message.only_inside or not kind.outside:
        return False
    return chosen(channel, kind.topic, choices)


def chosen(channel: Channel, topic: str, choices: Choices) -> bool:
    if must(channel, topic):
        return True
    if not choosable(channel, topic):
        return False
    return choices.get(topic, {}).get(channel.name, channel.default)


def choosable(channel: Channel, topic: str) -> bool:
    return channel.default or TOPICS[topic].extra


def must(channel: Channel, topic: str) -> bool:
    """Whether the topic cannot be switched off in this channel."""
    return TOPICS[topic].required and channel.default
