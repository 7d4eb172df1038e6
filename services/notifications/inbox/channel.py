"""The channel "inapp": a notice in the recipient's inbox."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.channels import Channel
from services.notifications.dispatch.messages import Message
from services.notifications.inbox import queries


async def store(session: AsyncSession, messages: Sequence[Message]) -> None:
    positions = await queries.next_positions(session, [message.recipient_id for message in messages])
    rows = [
        {
            "id": message.id,
            "event_id": message.event_id,
            "user_id": message.recipient_id,
            "position": position,
            "kind": message.kind,
            "part": message.part,
            "data": message.app_data,
        }
        for message, position in zip(messages, positions, strict=True)
    ]
    await queries.add_notices(session, rows)


CHANNEL = Channel("inapp", store)
