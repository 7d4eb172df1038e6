"""What booking reacts to: opening hours from calendar, and the little it must know of people from auth."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.customers import queries as customers
from services.booking.holds import queries as holds
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


class Person(BaseModel):
    user_id: UUID
    role: str = "customer"
    email_verified: bool


class Named(BaseModel):
    user_id: UUID


class RoleChanged(BaseModel):
    user_id: UUID
    role: str


@subscriptions.on("calendar.windows_changed.v1", WindowsChanged)
async def open_days(session: AsyncSession, event: Received[WindowsChanged]) -> None:
    days = [day.model_dump() for day in event.data.days]
    await slots.open_days(session, event.data.loctician_id, event.version, days)


@subscriptions.on("user.registered.v1", Person)
@subscriptions.on("user.updated.v1", Person)
async def remember(session: AsyncSession, event: Received[Person]) -> None:
    await customers.mark_verified(session, event.data.user_id, event.data.email_verified, event.version)
    if event.data.role == "loctician":
        await profiles.open_profile(session, event.data.user_id)


@subscriptions.on("user.verified.v1", Named)
async def verify(session: AsyncSession, event: Received[Named]) -> None:
    await customers.mark_verified(session, event.data.user_id, True, event.version)


@subscriptions.on("user.deactivated.v1", Named)
async def deactivate(session: AsyncSession, event: Received[Named]) -> None:
    """Times kept for who is gone go to the next."""
    if await customers.mark_active(session, event.data.user_id, False, event.version):
        await profiles.set_active(session, event.data.user_id, False)
        await holds.end_all_of(session, event.data.user_id)


@subscriptions.on("user.reactivated.v1", RoleChanged)
@subscriptions.on("user.role_changed.v1", RoleChanged)
async def change_role(session: AsyncSession, event: Received[RoleChanged]) -> None:
    if await customers.mark_active(session, event.data.user_id, True, event.version):
        if event.data.role == "loctician":
            await profiles.open_profile(session, event.data.user_id)
        await profiles.set_active(session, event.data.user_id, event.data.role == "loctician")
