"""The events that notifications subscribes to, and what it does with each."""

from functools import partial
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.accounts import service as accounts
from services.notifications.accounts.service import EmailChanged, EmailChangeRequested, Invited, LinkRequested
from services.notifications.bookings import service as bookings
from services.notifications.bookings.model import Booking
from services.notifications.bookings.refusals import RefusedRequest, notify_refused
from services.notifications.calendars import service as calendars
from services.notifications.calendars.service import FailingImport, Import, IncompleteImport
from services.notifications.contacts.queries import store_contact
from services.notifications.deliveries.queries import make_due
from services.notifications.dispatch.messages import format_utc
from services.notifications.names.queries import upsert_loctician_name, upsert_salon, upsert_treatment_name
from services.notifications.notification_types import CONSENTS
from services.notifications.preferences.queries import upsert_consent
from services.notifications.preferences.service import Proof, remove_choices_of_a_stranger
from services.notifications.waitlist.service import Offer, notify_offered
from services.notifications.workers import wake_workers_after_commit
from shared.messaging.subscriptions import Received, Subscriptions

subscriptions = Subscriptions()


class Person(BaseModel):
    """The whole state of a user, which each of the events carries."""

    user_id: UUID
    email: str
    full_name: str
    phone: str | None
    language: Literal["da", "en"]
    role: str
    email_verified: bool
    active: bool


class SessionStarted(BaseModel):
    user_id: UUID
    new_device: bool = False


class SessionRevoked(BaseModel):
    user_id: UUID
    reason: str


class User(BaseModel):
    user_id: UUID


class PasswordChanged(BaseModel):
    user_id: UUID
    reason: str


class FeedCreated(BaseModel):
    owner_id: UUID
    by_staff: bool = False


class ConsentChanged(BaseModel):
    user_id: UUID
    purpose: str
    granted: bool


class ErasureWithdrawn(BaseModel):
    subject_id: UUID


class ErasureScheduled(ErasureWithdrawn):
    runs_at: AwareDatetime


class ExportReady(BaseModel):
    subject_id: UUID


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
    legal_name: str
    cvr_number: str
    address: str
    phone: str


@subscriptions.on("user.registered.v1", Person)
@subscriptions.on("user.updated.v1", Person)
@subscriptions.on("user.verified.v1", Person)
@subscriptions.on("user.role_changed.v1", Person)
@subscriptions.on("user.deactivated.v1", Person)
@subscriptions.on("user.reactivated.v1", Person)
async def update_contact(session: AsyncSession, event: Received[Person]) -> None:
    if await store_contact(session, event.data.model_dump(), event.version):
        await make_due(session, event.data.user_id)
        wake_workers_after_commit(session)


@subscriptions.on("user.verification_requested.v1", LinkRequested)
async def send_verification(session: AsyncSession, event: Received[LinkRequested]) -> None:
    await accounts.send_link(session, event, "verification")


@subscriptions.on("user.password_reset_requested.v1", LinkRequested)
async def send_password_reset(session: AsyncSession, event: Received[LinkRequested]) -> None:
    await accounts.send_link(session, event, "password_reset")


@subscriptions.on("session.started.v1", SessionStarted)
async def warn_of_new_device(session: AsyncSession, event: Received[SessionStarted]) -> None:
    if event.data.new_device:
        await accounts.notify(session, event, event.data.user_id, "new_device")


@subscriptions.on("session.revoked.v1", SessionRevoked)
async def warn_of_reused_session(session: AsyncSession, event: Received[SessionRevoked]) -> None:
    if event.data.reason == "reused":
        await accounts.notify(session, event, event.data.user_id, "session_reused")


@subscriptions.on("user.invited.v1", Invited)
async def send_invitation(session: AsyncSession, event: Received[Invited]) -> None:
    await accounts.send_link(session, event, "invitation", role=event.data.role)


@subscriptions.on("user.role_changed.v1", Person)
async def notify_role_changed(session: AsyncSession, event: Received[Person]) -> None:
    await accounts.notify(session, event, event.data.user_id, "role_changed", role=event.data.role)


@subscriptions.on("user.password_changed.v1", PasswordChanged)
async def notify_password_changed(session: AsyncSession, event: Received[PasswordChanged]) -> None:
    """Of the first password nobody is told: its owner has just chosen it."""
    if event.data.reason != "first":
        await accounts.notify(session, event, event.data.user_id, "password_changed")


@subscriptions.on("user.email_change_requested.v1", EmailChangeRequested)
async def confirm_email_change(session: AsyncSession, event: Received[EmailChangeRequested]) -> None:
    await accounts.confirm_email_change(session, event)


@subscriptions.on("user.email_changed.v1", EmailChanged)
async def notify_email_changed(session: AsyncSession, event: Received[EmailChanged]) -> None:
    await accounts.notify_email_changed(session, event)


@subscriptions.on("user.mfa_enabled.v1", User)
@subscriptions.on("user.passkey_added.v1", User)
@subscriptions.on("user.passkey_removed.v1", User)
async def notify_changed_login(session: AsyncSession, event: Received[User]) -> None:
    await accounts.notify(session, event, event.data.user_id, event.type.split(".")[1])


@subscriptions.on("calendar.feed_created.v1", FeedCreated)
async def notify_feed_created(session: AsyncSession, event: Received[FeedCreated]) -> None:
    kind = "staff_feed_created" if event.data.by_staff else "feed_created"
    await accounts.notify(session, event, event.data.owner_id, kind)


@subscriptions.on("user.mfa_disabled.v1", User)
async def warn_of_disabled_mfa(session: AsyncSession, event: Received[User]) -> None:
    """Whether the person did it, or an admin did it for somebody who lost the device."""
    await accounts.notify(session, event, event.data.user_id, "mfa_disabled")


@subscriptions.on("gdpr.export_ready.v1", ExportReady)
async def notify_export_ready(session: AsyncSession, event: Received[ExportReady]) -> None:
    await accounts.notify(session, event, event.data.subject_id, "export_ready")


@subscriptions.on("gdpr.erasure_scheduled.v1", ErasureScheduled)
async def confirm_erasure(session: AsyncSession, event: Received[ErasureScheduled]) -> None:
    at = format_utc(event.data.runs_at)
    await accounts.notify(session, event, event.data.subject_id, "erasure_scheduled", expires_at=at)


@subscriptions.on("gdpr.erasure_withdrawn.v1", ErasureWithdrawn)
async def confirm_withdrawal(session: AsyncSession, event: Received[ErasureWithdrawn]) -> None:
    await accounts.notify(session, event, event.data.subject_id, "erasure_withdrawn")


@subscriptions.on("gdpr.consent_changed.v1", ConsentChanged)
async def update_consent(session: AsyncSession, event: Received[ConsentChanged]) -> None:
    """A withdrawal also stops stored deliveries: the consent is checked again right before each is sent."""
    change = event.data
    if change.purpose in CONSENTS:
        await upsert_consent(session, change.user_id, change.purpose, change.granted, event.version)


@subscriptions.on("treatment.created.v1", Treatment)
@subscriptions.on("treatment.updated.v1", Treatment)
async def name_treatment(session: AsyncSession, event: Received[Treatment]) -> None:
    names = {language: translation.name for language, translation in event.data.translations.items()}
    await upsert_treatment_name(session, event.data.service_id, names, event.version)


@subscriptions.on("loctician.updated.v1", Loctician)
async def name_loctician(session: AsyncSession, event: Received[Loctician]) -> None:
    await upsert_loctician_name(session, event.data.loctician_id, event.data.display_name, event.version)


@subscriptions.on("salon.updated.v1", Salon)
async def name_salon(session: AsyncSession, event: Received[Salon]) -> None:
    await upsert_salon(session, event.data.model_dump(), event.version)


@subscriptions.on("booking.created.v1", Booking)
async def notify_created(session: AsyncSession, event: Received[Booking]) -> None:
    if await bookings.notify(session, event, bookings.kind_of_new(event.data)) is not None:
        bookings.push_availability(session, event)


@subscriptions.on("booking.confirmed.v1", Booking)
async def notify_confirmed(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_confirmed")


@subscriptions.on("booking.rescheduled.v1", Booking)
async def notify_rescheduled(session: AsyncSession, event: Received[Booking]) -> None:
    previous = await bookings.notify(session, event, "booking_rescheduled")
    if previous is not None:
        bookings.push_move(session, event, previous)


@subscriptions.on("booking.cancelled.v1", Booking)
async def notify_cancelled(session: AsyncSession, event: Received[Booking]) -> None:
    if await bookings.notify(session, event, "booking_cancelled") is not None:
        bookings.push_availability(session, event)


@subscriptions.on("booking.completed.v1", Booking)
async def notify_completed(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_completed")


@subscriptions.on("booking.no_show.v1", Booking)
async def notify_no_show(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_no_show")


@subscriptions.on("booking.no_show_undone.v1", Booking)
async def notify_no_show_undone(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_no_show_undone")


@subscriptions.on("booking.customer_inactive.v1", Booking)
async def notify_customer_inactive(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_customer_inactive")


@subscriptions.on("booking.conflicted.v1", Booking)
async def notify_conflicted(session: AsyncSession, event: Received[Booking]) -> None:
    await bookings.notify(session, event, "booking_conflicted")


subscriptions.on("booking.request_refused.v1", RefusedRequest)(notify_refused)
subscriptions.on("user.verified.v1", Proof)(remove_choices_of_a_stranger)
subscriptions.on("user.link_requested.v1", accounts.SignInRequested)(accounts.send_sign_in_link)
subscriptions.on("waitlist.offered.v1", Offer)(notify_offered)
subscriptions.on("calendar.import_incomplete.v1", IncompleteImport)(calendars.notify_incomplete)
subscriptions.on("calendar.import_failing.v1", FailingImport)(calendars.notify_failing)
subscriptions.on("calendar.import_recovered.v1", Import)(calendars.notify_recovered)

# Event type, notification type (None: that of a new booking), whether the booking's days have other free times then.
# Which days a move frees is known only to the database, so its handler pushes them.
PUSHED_AT_ONCE: tuple[tuple[str, str | None, bool], ...] = (
    ("booking.created.v1", None, True),
    ("booking.confirmed.v1", "booking_confirmed", False),
    ("booking.rescheduled.v1", "booking_rescheduled", False),
    ("booking.cancelled.v1", "booking_cancelled", True),
    ("booking.completed.v1", "booking_completed", False),
    ("booking.no_show.v1", "booking_no_show", False),
    ("booking.no_show_undone.v1", "booking_no_show_undone", False),
    ("booking.customer_inactive.v1", "booking_customer_inactive", False),
    ("booking.conflicted.v1", "booking_conflicted", False),
)
for type_, kind, moves in PUSHED_AT_ONCE:
    subscriptions.at_once(type_, Booking, partial(bookings.immediate_pushes, kind, moves))
