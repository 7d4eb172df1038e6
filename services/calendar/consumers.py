"""What calendar reacts to: every change of a booking, of which the newest version stands."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.models import appointments, booking_versions
from shared.subscriptions import Received, Subscriptions

subscriptions = Subscriptions()


class Item(BaseModel):
    item_id: UUID
    treatment_id: UUID
    loctician_id: UUID
    start: AwareDatetime
    end: AwareDatetime


class Booking(BaseModel):
    booking_id: UUID
    status: str
    customer_id: UUID
    items: list[Item] = Field(max_length=100)


@subscriptions.on("booking.created.v1", Booking)
@subscriptions.on("booking.confirmed.v1", Booking)
@subscriptions.on("booking.rescheduled.v1", Booking)
@subscriptions.on("booking.cancelled.v1", Booking)
@subscriptions.on("booking.completed.v1", Booking)
@subscriptions.on("booking.no_show.v1", Booking)
async def remember(session: AsyncSession, event: Received[Booking]) -> None:
    booking = event.data
    if not await _is_newest(session, booking.booking_id, event.version):
        return
    await session.execute(delete(appointments).where(appointments.c.booking_id == booking.booking_id))
    if booking.status != "cancelled" and booking.items:
        await session.execute(insert(appointments), [_row(booking, item, event.version) for item in booking.items])


async def _is_newest(session: AsyncSession, booking_id: UUID, version: int) -> bool:
    """The version outlives the appointments, so that an older event cannot bring a cancelled booking back."""
    first = upsert(booking_versions).values(booking_id=booking_id, version=version)
    newer = first.on_conflict_do_update(
        index_elements=["booking_id"], set_={"version": version}, where=booking_versions.c.version < version
    )
    return (await session.execute(newer.returning(booking_versions.c.version))).first() is not None


def _row(booking: Booking, item: Item, version: int) -> dict[str, object]:
    return {
        "item_id": item.item_id,
        "booking_id": booking.booking_id,
        "loctician_id": item.loctician_id,
        "customer_id": booking.customer_id,
        "treatment_id": item.treatment_id,
        "starts_at": item.start,
        "ends_at": item.end,
        "status": booking.status,
        "version": version,
    }
