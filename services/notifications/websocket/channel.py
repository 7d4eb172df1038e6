"""The channel "websocket": realtime messages. Each is also a notice in the inbox, under the same id."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.channels import Channel
from services.notifications.dispatch.messages import Message, as_push
from shared.messaging.events import push


async def store(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Messages with the same id become one realtime message to several people."""
    pending = sorted((message for message in messages if not message.pushed), key=lambda message: message.id)
    for _, group in groupby(pending, key=lambda message: message.id):
        push(session, as_push(list(group)))


CHANNEL = Channel("websocket", store)
