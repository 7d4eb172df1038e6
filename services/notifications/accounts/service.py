"""Messages about a person's own account: one-time links and security notices."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

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


class Invited(LinkRequested):
    role: str


class RequestedTime(BaseModel):
    kind: Literal["booking", "waitlist"]
    service_ids: list[UUID] = Field(max_length=100)
    loctician_id: UUID | None
    start: AwareDatetime | None
    end: AwareDatetime | None
    price_amount: int | None


class SignInRequested(LinkRequested):
    code: str = Field(min_length=1, max_length=2000)
    request: RequestedTime | None


class EmailChangeRequested(BaseModel):
    """Without a token, nothing is mailed to the new address."""

    user_id: UUID
    email: str = Field(min_length=3, max_length=320)
    new_email: str = Field(min_length=3, max_length=320)
    token: str | None = Field(None, min_length=1, max_length=2000)
    expires_at: AwareDatetime


class EmailChanged(BaseModel):
    user_id: UUID
    email: str = Field(min_length=3, max_length=320)
    old_email: str = Field(min_length=3, max_length=320)


async def send_link(session: AsyncSession, event: Received[Any], kind: str, **more: str) -> None:
    """Sends the link to the address in the event, which may not be the account's address yet.

    Token and address are deleted from the delivery when it is sent or given up. It is not sent after `expires_at`.
    """
    link: LinkRequested = event.data
    mail_data = {"token": link.token, "to": link.email, "expires_at": format_utc(link.expires_at), **more}
    await dispatch(session, [_message(event, link.user_id, kind, mail_data, {"kind": kind}, link.expires_at)])


async def send_sign_in_link(session: AsyncSession, event: Received[SignInRequested]) -> None:
    """Sends the link with its code, and what is confirmed with it."""
    link, request = event.data, event.data.request
    kind = "login_link" if request is None else f"{request.kind}_link"
    data: dict[str, Any] = {"token": link.token, "code": link.code, "to": link.email}
    data |= {"expires_at": format_utc(link.expires_at), "items": [], "span": [], "price_amount": None}
    if request is not None:
        loctician_id = str(request.loctician_id) if request.loctician_id else None
        data["items"] = [{"service_id": str(id_), "loctician_id": loctician_id} for id_ in request.service_ids]
        data["price_amount"] = request.price_amount
        if request.start is not None and request.end is not None:
            data["span"] = [format_utc(request.start), format_utc(request.end)]
    await dispatch(session, [_message(event, link.user_id, kind, data, {"kind": kind}, link.expires_at)])


async def notify(session: AsyncSession, event: Received[Any], user_id: UUID, kind: str, **more: str) -> None:
    """Tells a person of something that happened to the account."""
    data = {"occurred_at": format_utc(event.time), **more}
    await dispatch(session, [_message(event, user_id, kind, data, {"kind": kind, **data})])


async def confirm_email_change(session: AsyncSession, event: Received[EmailChangeRequested]) -> None:
    """Sends the link to the new address, and tells the person at the present one."""
    change, kind, at = event.data, "email_change_requested", {"occurred_at": format_utc(event.time)}
    messages = [_message(event, change.user_id, kind, at | {"to": change.email}, {"kind": kind, **at})]
    if change.token is not None:
        data = {"token": change.token, "to": change.new_email, "expires_at": format_utc(change.expires_at)}
        link = _message(event, change.user_id, "email_change", data, {"kind": "email_change"}, change.expires_at)
        messages.append(_as_another(link))
    await dispatch(session, messages)


async def notify_email_changed(session: AsyncSession, event: Received[EmailChanged]) -> None:
    """Tells the person at the new address and at the old one, which may be the only one that the person still reads."""
    change, at = event.data, {"occurred_at": format_utc(event.time)}
    kind, kind_to_old = "email_changed", "email_replaced"
    to_new = _message(event, change.user_id, kind, at | {"to": change.email}, {"kind": kind, **at})
    to_old = _message(event, change.user_id, kind_to_old, at | {"to": change.old_email}, {"kind": kind_to_old, **at})
    await dispatch(session, [to_new, _as_another(to_old)])


def _as_another(message: Message) -> Message:
    """A person gets one message of an event, so a second one counts as of another event."""
    return replace(message, event_id=uuid5(message.event_id, message.kind))


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
