"""Realtime messages to those connected. What is pushed stands in the inbox under the same id."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.channels import Channel
from services.notifications.kinds import KINDS
from services.notifications.messages import Message
from shared.events import push


async def tell(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Messages under one id are one realtime message to several people."""
    for message_id, group in groupby(sorted(messages, key=lambda one: one.id), key=lambda one: one.id):
        told = list(group)
        audience = [f"user:{message.recipient_id}" for message in told]
        push(session, audience, KINDS[told[0].kind].type, told[0].shown, message_id)


CHANNEL = Channel("websocket", tell)
