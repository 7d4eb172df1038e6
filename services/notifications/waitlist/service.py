"""A time has become free for somebody who waits: it is held for them for a while."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.bookings.service import utc
from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import tell
from shared.messaging.subscriptions import Received


class Offer(BaseModel):
    waitlist_id: UUID
    offer_id: UUID
    customer_id: UUID
    loctician_id: UUID
    treatment_ids: list[UUID] = Field(min_length=1, max_length=100)
    start: AwareDatetime
    end: AwareDatetime
    expires_at: AwareDatetime


async def tell_offered(session: AsyncSession, event: Received[Offer]) -> None:
    offer = event.data
    times = {"start": utc(offer.start), "end": utc(offer.end)}
    loctician = {"loctician_id": str(offer.loctician_id)}
    treatments = [str(one) for one in offer.treatment_ids]
    held = times | {"expires_at": utc(offer.expires_at)}
    ids = {"waitlist_id": str(offer.waitlist_id), "offer_id": str(offer.offer_id)}
    message = Message(
        event_id=event.id,
        recipient_id=offer.customer_id,
        kind="waitlist_offered",
        part="customer",
        facts=held | {"items": [{"treatment_id": one, **loctician, **times} for one in treatments]},
        shown={"kind": "waitlist_offered", **ids, **loctician, "treatment_ids": treatments, **held},
        expires_at=offer.expires_at,
        request_id=event.request_id,
    )
    await tell(session, [message])
