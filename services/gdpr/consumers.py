"""Events that gdpr consumes: all of them for the audit log, answers of the services, and who may be erased."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import service as audit
from services.gdpr.erasures import service as erasures
from services.gdpr.exports import service as exports
from services.gdpr.people import queries as people_queries
from services.gdpr.retention_policies import service as retention_policies
from shared.messaging.provenance import SOURCE, UntrustedError
from shared.messaging.subscriptions import EVERYTHING, Received, Subscriptions
from shared.privacy.events import Counts

subscriptions = Subscriptions()
OPEN_STATUSES = frozenset({"pending", "confirmed"})


class RequestAnswer(BaseModel):
    request_id: UUID
    service: str
    rows: Counts


class ExportPart(RequestAnswer):
    sealed: str


class ErasureDone(RequestAnswer):
    dead_letters: int


@subscriptions.on("gdpr.export_part.v1", ExportPart)
async def store_export_part(session: AsyncSession, event: Received[ExportPart]) -> None:
    _require_own_answer(event)
    await exports.store_part(session, **event.data.model_dump())


@subscriptions.on("gdpr.erasure_done.v1", ErasureDone)
async def store_erasure_done(session: AsyncSession, event: Received[ErasureDone]) -> None:
    _require_own_answer(event)
    await erasures.store_answer(session, **event.data.model_dump())


class RetentionApplied(BaseModel):
    service: str
    policy: str
    counted: int
    removed: int
    dry_run: bool


@subscriptions.on("gdpr.retention_applied.v1", RetentionApplied)
async def store_retention_result(session: AsyncSession, event: Received[RetentionApplied]) -> None:
    _require_own_answer(event)
    await retention_policies.store_result(session, event.time, **event.data.model_dump())


def _require_own_answer(event: Received[Any]) -> None:
    """A service answers for itself only. Raises UntrustedError: trying again cannot help."""
    if event.source != f"{SOURCE}{event.data.service}":
        raise UntrustedError("answers for another service")


class UserId(BaseModel):
    user_id: UUID


class User(UserId):
    """The whole state of a user, which each of the events carries."""

    role: str
    active: bool


@subscriptions.on("user.registered.v1", User)
@subscriptions.on("user.updated.v1", User)
@subscriptions.on("user.verified.v1", User)
@subscriptions.on("user.role_changed.v1", User)
@subscriptions.on("user.deactivated.v1", User)
@subscriptions.on("user.reactivated.v1", User)
async def store_user(session: AsyncSession, event: Received[User]) -> None:
    user = event.data
    await people_queries.store_state(session, user.user_id, event.version, role=user.role, active=user.active)


@subscriptions.on("user.never_verified.v1", UserId)
async def erase_never_verified(session: AsyncSession, event: Received[UserId]) -> None:
    await erasures.erase_never_verified(session, event.data.user_id)


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
async def store_duty(session: AsyncSession, event: Received[Booking]) -> None:
    booking = event.data
    locticians = sorted({item.loctician_id for item in booking.items})
    is_open = booking.status in OPEN_STATUSES
    await people_queries.put_duty(
        session, booking.booking_id, booking.version, locticians, booking.end, is_open=is_open
    )


# The last subscription, because recording holds a lock until the commit.
@subscriptions.on(EVERYTHING, dict[str, Any])
async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    if not event.republished:  # nobody did anything
        await audit.record(session, event)
