"""Messages about a person's own account: one-time links and security notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.messages import Message, format_utc
from services.notifications.dispatch.service import dispatch
from shared.messaging.subscriptions import Received


class LinkRequested(BaseModel):
    user_id: UUID
    email: str = Field(min_length=3, max_length=320)
    token: str = Field(min_length=1, max_length=2000)
    expires_at: AwareDatetime


async def send_link(session: AsyncSession, event: Received[LinkRequested], kind: str) -> None:
    """Sends the link to the address in the event, which may not be the account's address yet.

    Token and address are deleted from the delivery when it is sent or given up. It is not sent after `expires_at`.
    """
    link = event.data
    mail_data = {"token": link.token, "to": link.email, "expires_at": format_utc(link.expires_at)}
    await dispatch(session, [_message(event, link.user_id, kind, mail_data, {"kind": kind}, link.expires_at)])


async def notify(session: AsyncSession, event: Received[Any], user_id: UUID, kind: str, **more: str) -> None:
    """Tells a person of something that happened to the account."""
    data = {"at": format_utc(event.time), **more}
    await dispatch(session, [_message(event, user_id, kind, data, {"kind": kind, **data})])


def _message(
    event: Received[Any],
    user_id: UUID,
    kind: str,
    mail_data: dict[str, Any],
    app_data: dict[str, Any],
    expires_at: datetime | None = None,
) -> Message:
    return Message(
        event_id=event.id,
        recipient_id=user_id,
        kind=kind,
        part="person",
        mail_data=mail_data,
        app_data=app_data,
        expires_at=expires_at,
        request_id=event.request_id,
    )
