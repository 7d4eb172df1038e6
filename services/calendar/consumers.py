"""Events that calendar consumes: bookings, and the names and languages that feeds are written with."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.appointments import queries as appointment_queries
from services.calendar.feeds import service as feeds
from services.calendar.names import queries as name_queries
from shared.messaging.subscriptions import Received, Subscriptions
from shared.privacy.data_subject_requests import is_erased

subscriptions = Subscriptions()


class Item(BaseModel):
    item_id: UUID
    service_id: UUID
    loctician_id: UUID
    start: AwareDatetime
    end: AwareDatetime


class Booking(BaseModel):
    booking_id: UUID
    status: str
    customer_id: UUID
    items: list[Item] = Field(max_length=100)


class Translation(BaseModel):
    name: str


class Treatment(BaseModel):
    service_id: UUID
    translations: dict[str, Translation]


class Loctician(BaseModel):
    loctician_id: UUID
    display_name: str


class Salon(BaseModel):
    name: str
    address: str


class User(BaseModel):
    """The whole state of a user, which each of the events carries."""

    user_id: UUID
    language: Literal["da", "en"]
    role: str
    active: bool


class Proof(BaseModel):
    user_id: UUID
    reset: bool = False


@subscriptions.on("booking.created.v1", Booking)
@subscriptions.on("booking.confirmed.v1", Booking)
@subscriptions.on("booking.rescheduled.v1", Booking)
@subscriptions.on("booking.cancelled.v1", Booking)
@subscriptions.on("booking.completed.v1", Booking)
@subscriptions.on("booking.no_show.v1", Booking)
@subscriptions.on("booking.no_show_undone.v1", Booking)
@subscriptions.on("booking.customer_inactive.v1", Booking)
@subscriptions.on("booking.conflicted.v1", Booking)
async def store_appointments(session: AsyncSession, event: Received[Booking]) -> None:
    """Stores the booking's items, unless a newer version of the booking is stored already."""
    booking = event.data
    if not await appointment_queries.is_newest(session, booking.booking_id, event.version):
        return
    item_ids = [item.item_id for item in booking.items]
    await appointment_queries.cancel_others(session, booking.booking_id, item_ids, event.version, event.time)
    if booking.items:
        await appointment_queries.put_appointments(session, [_row(event, item) for item in booking.items])


def _row(event: Received[Booking], item: Item) -> dict[str, object]:
    return {
        "item_id": item.item_id,
        "booking_id": event.data.booking_id,
        "loctician_id": item.loctician_id,
        "customer_id": event.data.customer_id,
        "treatment_id": item.service_id,
        "starts_at": item.start,
        "ends_at": item.end,
        "status": event.data.status,
        "version": event.version,
        "changed_at": event.time,
    }


@subscriptions.on("treatment.created.v1", Treatment)
@subscriptions.on("treatment.updated.v1", Treatment)
async def store_treatment_names(session: AsyncSession, event: Received[Treatment]) -> None:
    names = {language: translation.name for language, translation in event.data.translations.items()}
    await name_queries.put_treatment_names(session, event.data.service_id, names, event.version)


@subscriptions.on("loctician.updated.v1", Loctician)
async def store_loctician_name(session: AsyncSession, event: Received[Loctician]) -> None:
    await name_queries.put_loctician_name(session, event.data.loctician_id, event.data.display_name, event.version)


@subscriptions.on("salon.updated.v1", Salon)
async def store_salon(session: AsyncSession, event: Received[Salon]) -> None:
    await name_queries.put_salon(session, event.data.model_dump(), event.version)


@subscriptions.on("user.registered.v1", User)
@subscriptions.on("user.updated.v1", User)
@subscriptions.on("user.verified.v1", User)
@subscriptions.on("user.role_changed.v1", User)
@subscriptions.on("user.deactivated.v1", User)
@subscriptions.on("user.reactivated.v1", User)
async def store_user(session: AsyncSession, event: Received[User]) -> None:
    """Stores the language of the newest state. Revokes a feed that the person may not have any more."""
    user = event.data
    if await is_erased(session, user.user_id):
        return
    if await name_queries.put_language(session, user.user_id, user.language, event.version):
        await feeds.revoke_unless_allowed(session, user.user_id, user.role, active=user.active)


@subscriptions.on("user.verified.v1", Proof)
async def revoke_feed_of_a_stranger(session: AsyncSession, event: Received[Proof]) -> None:
    """Whoever registered another person's address may have the feed's secret address."""
    if event.data.reset:
        await feeds.revoke_if_any(session, event.data.user_id, event.data.user_id)
