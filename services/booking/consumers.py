"""Consumed events: open windows from calendar, and what booking must know about users from auth."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.bookings import queries as bookings
from services.booking.customers import queries as customers
from services.booking.holds import service as holds
from services.booking.profiles import queries as profiles
from services.booking.slots import queries as slots
from shared.messaging.subscriptions import Received, Subscriptions

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
    user_id: UUID
    role: str = "customer"
    email_verified: bool


class UserId(BaseModel):
    user_id: UUID


class RoleChanged(BaseModel):
    user_id: UUID
    role: str


@subscriptions.on("calendar.windows_changed.v1", WindowsChanged)
async def replace_open_windows(session: AsyncSession, event: Received[WindowsChanged]) -> None:
    days = [day.model_dump() for day in event.data.days]
    await slots.replace_open_windows(session, event.data.loctician_id, event.version, days)


@subscriptions.on("user.registered.v1", User)
@subscriptions.on("user.updated.v1", User)
async def update_user(session: AsyncSession, event: Received[User]) -> None:
    await customers.set_verified(session, event.data.user_id, event.data.email_verified, event.version)
    if event.data.role == "loctician":
        await profiles.add_profile(session, event.data.user_id)


@subscriptions.on("user.verified.v1", UserId)
async def verify_user(session: AsyncSession, event: Received[UserId]) -> None:
    await customers.set_verified(session, event.data.user_id, True, event.version)


@subscriptions.on("user.deactivated.v1", UserId)
async def deactivate_user(session: AsyncSession, event: Received[UserId]) -> None:
    """Also ends the user's holds, whose times are then offered to the waitlist."""
    if await customers.set_active(session, event.data.user_id, False, event.version):
        await profiles.set_active(session, event.data.user_id, False)
        await holds.end_customer_holds(session, event.data.user_id)
        await bookings.mark_bookings_of(session, event.data.user_id, active=False)


@subscriptions.on("user.reactivated.v1", RoleChanged)
@subscriptions.on("user.role_changed.v1", RoleChanged)
async def change_role(session: AsyncSession, event: Received[RoleChanged]) -> None:
    if await customers.set_active(session, event.data.user_id, True, event.version):
        if event.data.role == "loctician":
            await profiles.add_profile(session, event.data.user_id)
        await profiles.set_active(session, event.data.user_id, event.data.role == "loctician")
        await bookings.mark_bookings_of(session, event.data.user_id, active=True)
