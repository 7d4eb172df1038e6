"""The in-app inbox."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import queries
from services.notifications.channels import Channel
from services.notifications.messages import Message


async def tell(session: AsyncSession, messages: Sequence[Message]) -> None:
    places = await queries.next_positions(session, [message.recipient_id for message in messages])
    rows = [
        {
            "id": message.id,
            "event_id": message.event_id,
            "user_id": message.recipient_id,
            "position": places[message.recipient_id],
            "kind": message.kind,
            "part": message.part,
            "data": message.shown,
        }
        for message in messages
    ]
    await queries.add_notices(session, rows)


CHANNEL = Channel("inapp", tell)
