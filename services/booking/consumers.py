"""Consumed events: open windows from calendar, and what booking must know about users from auth."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.bookings import queries as bookings
from services.booking.customers import queries as customers
from services.booking.holds import service as holds
from services.booking.profiles import queries as profiles
from services.booking.requests import queries as requests
from services.booking.slots import queries as slots
from shared.messaging.subscriptions import Received, Subscriptions
from shared.privacy.data_subject_requests import is_erased

subscriptions = Subscriptions()


class Window(BaseModel):
    start: AwareDatetime
    end: AwareDatetime


class Day(BaseModel):
    date: date
    windows: list[Window] = Field(max_length=100)
    closed_for: str | None = None


class WindowsChanged(BaseModel):
    loctician_id: UUID
    days: list[Day]


class User(BaseModel):
    """The whole state of a user, which each of the events carries."""

    user_id: UUID
    role: str
    active: bool
    full_name: str
    phone: str | None = None
    email: str


class VerifiedUser(User):
    """`request_id`: the request of this user that the proof of the address is for."""

    request_id: UUID | None = None


@subscriptions.on("calendar.windows_changed.v1", WindowsChanged)
async def replace_open_windows(session: AsyncSession, event: Received[WindowsChanged]) -> None:
    days = [day.model_dump() for day in event.data.days]
    await slots.replace_open_windows(session, event.data.loctician_id, event.version, days)


@subscriptions.on("user.registered.v1", User)
@subscriptions.on("user.updated.v1", User)
@subscriptions.on("user.role_changed.v1", User)
@subscriptions.on("user.deactivated.v1", User)
@subscriptions.on("user.reactivated.v1", User)
async def store_user(session: AsyncSession, event: Received[User]) -> None:
    if not await is_erased(session, event.data.user_id):
        await _store_state(session, event)


async def _store_state(session: AsyncSession, event: Received[User] | Received[VerifiedUser]) -> None:
    """Stores the newest state. Locticians get a profile. The holds of a deactivated user end, whose times are then
    offered to the waitlist, and coming bookings are marked for the salon to decide."""
    user = event.data
    was_active = await customers.is_active(session, user.user_id)
    person = customers.Person(user.active, user.full_name, user.phone, user.email)
    if not await customers.store_state(session, user.user_id, event.version, person):
        return
    if not user.active:  # first, because it locks the customer, which must come before the loctician
        await holds.end_customer_holds(session, user.user_id)
    if user.role == "loctician":
        await profiles.add_profile(session, user.user_id)
    await profiles.set_active(session, user.user_id, user.active and user.role == "loctician")
    if user.active != was_active:
        await bookings.mark_bookings_of(session, user.user_id, active=user.active)


@subscriptions.on("user.verified.v1", VerifiedUser)
async def accept_request(session: AsyncSession, event: Received[VerifiedUser]) -> None:
    """Stores the newest state, and turns the request into the booking or the wish, whatever the version: an address may
    be proven again without a change of the user."""
    user = event.data
    if await is_erased(session, user.user_id):
        return
    await _store_state(session, event)
    if user.request_id is not None:
        await requests.accept(session, user.request_id, user.user_id)
