"""Realtime messages to those connected. What is pushed stands in the inbox under the same id."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.channels import Channel
from services.notifications.dispatch.messages import Message, as_push
from shared.messaging.events import push


async def tell(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Messages under one id are one realtime message to several people."""
    left = sorted((one for one in messages if not one.pushed), key=lambda one: one.id)
    for _, group in groupby(left, key=lambda one: one.id):
        push(session, as_push(list(group)))


CHANNEL = Channel("websocket", tell)
