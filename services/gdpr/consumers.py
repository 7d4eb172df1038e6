"""What gdpr reacts to: everything, for the audit; beside that answers to requests, and what tells who may be erased."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import service as audit
from services.gdpr.erasures import service as erasures
from services.gdpr.exports import service as exports
from services.gdpr.people import queries as people
from services.gdpr.retention_policies import service as policies
from shared.messaging.subscriptions import EVERYTHING, Received, Subscriptions
from shared.privacy.events import Counts

subscriptions = Subscriptions()
OPEN = frozenset({"pending", "confirmed"})


class _Answer(BaseModel):
    request_id: UUID
    service: str
    rows: Counts


class Part(_Answer):
    sealed: str


class Proof(_Answer):
    dead_letters: int


@subscriptions.on("gdpr.export_part.v1", Part)
async def keep_part(session: AsyncSession, event: Received[Part]) -> None:
    await exports.keep_part(session, **event.data.model_dump())


@subscriptions.on("gdpr.erasure_done.v1", Proof)
async def keep_proof(session: AsyncSession, event: Received[Proof]) -> None:
    await erasures.keep_proof(session, **event.data.model_dump())


class Applied(BaseModel):
    service: str
    policy: str
    counted: int
    removed: int
    dry_run: bool


@subscriptions.on("gdpr.retention_applied.v1", Applied)
async def keep_run(session: AsyncSession, event: Received[Applied]) -> None:
    await policies.ran(session, event.time, **event.data.model_dump())


class User(BaseModel):
    user_id: UUID
    version: int


class UserWithRole(User):
    role: str


@subscriptions.on("user.registered.v1", UserWithRole)
@subscriptions.on("user.updated.v1", UserWithRole)
@subscriptions.on("user.role_changed.v1", UserWithRole)
async def learn_role(session: AsyncSession, event: Received[UserWithRole]) -> None:
    await people.learn(session, event.data.user_id, event.data.version, of="role", value=event.data.role)


@subscriptions.on("user.deactivated.v1", User)
async def learn_of_leaving(session: AsyncSession, event: Received[User]) -> None:
    await people.learn(session, event.data.user_id, event.data.version, of="active", value=False)


@subscriptions.on("user.reactivated.v1", UserWithRole)
async def learn_of_coming_back(session: AsyncSession, event: Received[UserWithRole]) -> None:
    await people.learn(session, event.data.user_id, event.data.version, of="active", value=True)
    await learn_role(session, event)


@subscriptions.on("user.never_verified.v1", User)
async def forget_never_verified(session: AsyncSession, event: Received[User]) -> None:
    await erasures.forget_never_verified(session, event.data.user_id)


class Item(BaseModel):
    loctician_id: UUID


class Booking(BaseModel):
    booking_id: UUID
    version: int
    status: str
    end: AwareDatetime
    items: list[Item]


@subscriptions.on("booking.created.v1", Booking)
@subscriptions.on("booking.confirmed.v1", Booking)
@subscriptions.on("booking.rescheduled.v1", Booking)
@subscriptions.on("booking.cancelled.v1", Booking)
@subscriptions.on("booking.completed.v1", Booking)
@subscriptions.on("booking.no_show.v1", Booking)
async def learn_duty(session: AsyncSession, event: Received[Booking]) -> None:
    booking = event.data
    locticians = sorted({item.loctician_id for item in booking.items})
    open_ = booking.status in OPEN
    await people.duty(session, booking.booking_id, booking.version, locticians, booking.end, open_=open_)


# Last, since recording holds a lock until the commit.
@subscriptions.on(EVERYTHING, dict[str, Any])
async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    await audit.record(session, event)
