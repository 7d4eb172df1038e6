"""Tells a customer that a request cannot be met any more, although the address is proven now."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.messages import Message, format_utc
from services.notifications.dispatch.service import dispatch
from shared.messaging.subscriptions import Received


class RefusedRequest(BaseModel):
    request_id: UUID
    customer_id: UUID
    reason: str
    start: AwareDatetime | None  # None of a wish for the waitlist


async def notify_refused(session: AsyncSession, event: Received[RefusedRequest]) -> None:
    request = event.data
    kind = "request_refused" if request.start else "wish_refused"
    data = {"reason": request.reason} | ({"start": format_utc(request.start)} if request.start else {})
    message = Message(
        event_id=event.id,
        recipient_id=request.customer_id,
        kind=kind,
        part="customer",
        mail_data=data,
        app_data={"kind": kind, "request_id": str(request.request_id), **data},
        request_id=event.request_id,
    )
    await dispatch(session, [message])
