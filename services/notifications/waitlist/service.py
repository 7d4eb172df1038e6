"""Tells a customer on the waitlist that a time is offered, which booking holds for them for a while."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.messages import Message, format_utc
from services.notifications.dispatch.service import dispatch
from shared.messaging.subscriptions import Received


class Offer(BaseModel):
    waitlist_id: UUID
    offer_id: UUID
    customer_id: UUID
    loctician_id: UUID
    service_ids: list[UUID] = Field(min_length=1, max_length=100)
    start: AwareDatetime
    end: AwareDatetime
    expires_at: AwareDatetime


async def notify_offered(session: AsyncSession, event: Received[Offer]) -> None:
    offer = event.data
    times = {"start": format_utc(offer.start), "end": format_utc(offer.end)}
    held = times | {"expires_at": format_utc(offer.expires_at)}
    loctician = {"loctician_id": str(offer.loctician_id)}
    treatments = [str(id_) for id_ in offer.service_ids]
    ids = {"waitlist_id": str(offer.waitlist_id), "offer_id": str(offer.offer_id)}
    message = Message(
        event_id=event.id,
        recipient_id=offer.customer_id,
        kind="waitlist_offered",
        part="customer",
        mail_data=held
        | {"offer_id": str(offer.offer_id)}
        | {"items": [{"service_id": id_, **loctician, **times} for id_ in treatments]},
        app_data={"kind": "waitlist_offered", **ids, **loctician, "service_ids": treatments, **held},
        expires_at=offer.expires_at,
        request_id=event.request_id,
    )
    await dispatch(session, [message])
