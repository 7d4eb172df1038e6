"""What a person hears of the own account: links that work once, and warnings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.bookings.service import utc
from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import tell
from shared.messaging.subscriptions import Received


class LinkRequested(BaseModel):
    user_id: UUID
    email: str = Field(min_length=3, max_length=320)
    token: str = Field(min_length=1, max_length=2000)
    expires_at: AwareDatetime


async def send_link(session: AsyncSession, event: Received[LinkRequested], kind: str) -> None:
    """To the address the link is for, which need not be the account's yet. Token and address leave the row once the
    mail is sent or given up; after `expires_at` it is not sent."""
    asked = event.data
    facts = {"token": asked.token, "to": asked.email, "expires_at": utc(asked.expires_at)}
    await tell(session, [_message(event, asked.user_id, kind, facts, asked.expires_at)])


async def warn(session: AsyncSession, event: Received[Any], user_id: UUID, kind: str) -> None:
    await tell(session, [_message(event, user_id, kind, {"at": utc(event.time)})])


def _message(
    event: Received[Any], user_id: UUID, kind: str, facts: dict[str, Any], expires_at: datetime | None = None
) -> Message:
    return Message(
        event_id=event.id,
        recipient_id=user_id,
        kind=kind,
        part="person",
        facts=facts,
        shown={"kind": kind, **({} if "token" in facts else facts)},
        expires_at=expires_at,
        request_id=event.request_id,
    )
