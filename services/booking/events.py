"""Published events. Instants are in UTC; amounts are in øre, VAT included."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.booking.media.events import MediaAdded as MediaAdded
from services.booking.media.events import MediaRemoved as MediaRemoved
from services.booking.requests.events import BookingRequested as BookingRequested
from services.booking.requests.events import BookingRequestRefused as BookingRequestRefused
from services.booking.salon.events import SalonUpdated as SalonUpdated
from shared.messaging.events import Event

ITEM = {
    "item_id": "01936d5e-8d3e-7000-8000-0000000000b1",
    "service_id": "01936d5e-8d3e-7000-8000-0000000000c1",
    "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
    "start": "2026-03-02T09:00:00Z",
    "end": "2026-03-02T10:30:00Z",
    "blocked_start": "2026-03-02T09:00:00Z",
    "blocked_end": "2026-03-02T10:45:00Z",
    "price_amount": 64900,
}
BOOKING: dict[str, Any] = {
    "version": 1,
    "booking_id": "01936d5e-8d3e-7000-8000-0000000000a1",
    "status": "confirmed",
    "customer_id": "01936d5e-8d3e-7000-8000-0000000000e1",
    "start": "2026-03-02T09:00:00Z",
    "end": "2026-03-02T10:30:00Z",
    "price_amount": 64900,
    "currency": "DKK",
    "items": [ITEM],
    "reason": None,
    "previous_start": None,
    "walk_in": False,
    "series_id": None,
}
WAITLIST: dict[str, Any] = {
    "version": 2,
    "waitlist_id": "01936d5e-8d3e-7000-8000-0000000000f1",
    "offer_id": "01936d5e-8d3e-7000-8000-0000000000f2",
    "customer_id": "01936d5e-8d3e-7000-8000-0000000000e1",
    "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
    "service_ids": ["01936d5e-8d3e-7000-8000-0000000000c1"],
    "start": "2026-03-02T09:00:00Z",
    "end": "2026-03-02T10:30:00Z",
    "expires_at": "2026-02-27T12:30:00Z",
}
TREATMENT: dict[str, Any] = {
    "version": 1,
    "service_id": "01936d5e-8d3e-7000-8000-0000000000c1",
    "category": "maintenance",
    "duration_minutes": 90,
    "price_amount": 64900,
    "currency": "DKK",
    "translations": {
        "da": {"name": "Retwist", "description": "Opstramning af rødderne."},
        "en": {"name": "Retwist", "description": "Tightening of the roots."},
    },
    "active": True,
}


Status = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]
EventReason = Literal["by_customer", "by_salon", "customer_erased", "hours_changed", "not_confirmed"]
Category = Literal[
    "consultation", "starter", "maintenance", "repair", "care", "colour", "styling", "extensions", "removal"
]
Currency = Literal["DKK"]


class BookedItem(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: UUID
    service_id: UUID
    loctician_id: UUID
    start: datetime
    end: datetime
    blocked_start: datetime
    blocked_end: datetime
    price_amount: int


class BookingEvent(Event):
    """Emitted by the SQL function booking.record_change(). `reason` is a code, never a text that somebody wrote.

    The `customer_id` of a walk-in belongs to this booking only; there is no account with it. `series_id` is that of the
    series in which it was booked.
    """

    booking_id: UUID
    status: Status
    customer_id: UUID
    start: datetime
    end: datetime
    price_amount: int
    currency: Currency
    items: list[BookedItem]
    reason: EventReason | None
    previous_start: datetime | None
    walk_in: bool = False
    series_id: UUID | None = None


class BookingCreated(BookingEvent, type="booking.created.v1", subject="booking_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING


class BookingCancelled(BookingEvent, type="booking.cancelled.v1", subject="booking_id"):
    """`reason`: by_customer, by_salon, customer_erased, or not_confirmed (the salon did not confirm it in time).

    `message`: what the salon wrote to the customer, sealed with a key that only the platform's services have.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "status": "cancelled", "reason": "by_customer"}
    message: str | None = None


class BookingConfirmed(BookingEvent, type="booking.confirmed.v1", subject="booking_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2}


class BookingRescheduled(BookingEvent, type="booking.rescheduled.v1", subject="booking_id"):
    """The start, the treatments or the loctician have changed.

    The status is `pending` again when the salon confirms by hand and the customer made the change.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "previous_start": "2026-03-01T09:00:00Z"}


class BookingNoted(BookingEvent, type="booking.noted.v1", subject="booking_id"):
    """Only notes, or the name of a walk-in, have changed. The event does not contain them."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2}


class BookingCompleted(BookingEvent, type="booking.completed.v1", subject="booking_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "status": "completed"}


class BookingNoShow(BookingEvent, type="booking.no_show.v1", subject="booking_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "status": "no_show"}


class BookingNoShowUndone(BookingEvent, type="booking.no_show_undone.v1", subject="booking_id"):
    """Staff corrected a no-show: the booking is confirmed again."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 3}


class BookingCustomerInactive(BookingEvent, type="booking.customer_inactive.v1", subject="booking_id"):
    """The customer's account was deactivated. The booking stays until staff keep or cancel it."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2}


class BookingKept(BookingEvent, type="booking.kept.v1", subject="booking_id"):
    """Staff keep the booking of a deactivated customer, or the account is active again."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 3}


class BookingConflicted(BookingEvent, type="booking.conflicted.v1", subject="booking_id"):
    """Opening hours have changed, and the booking is now outside them. It stays until somebody moves or cancels it."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 2, "reason": "hours_changed"}


class BookingFitsAgain(BookingEvent, type="booking.fits_again.v1", subject="booking_id"):
    """Opening hours have changed again, and the conflicted booking is now within them."""

    EXAMPLE: ClassVar[dict[str, Any]] = BOOKING | {"version": 3}


class WaitlistEvent(Event):
    """`offer_id` is the hold that reserves the time for the customer until `expires_at`."""

    waitlist_id: UUID
    offer_id: UUID
    customer_id: UUID
    loctician_id: UUID
    service_ids: list[UUID]
    start: datetime
    end: datetime
    expires_at: datetime


class WaitlistOffered(WaitlistEvent, type="waitlist.offered.v1", subject="waitlist_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = WAITLIST


class WaitlistAccepted(WaitlistEvent, type="waitlist.accepted.v1", subject="waitlist_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = WAITLIST | {"version": 3}


class WaitlistExpired(WaitlistEvent, type="waitlist.expired.v1", subject="waitlist_id"):
    """The offer was not accepted in time, or was declined."""

    EXAMPLE: ClassVar[dict[str, Any]] = WAITLIST | {"version": 3}


class SalonChanged(Event, type="salon.changed.v1", subject="subject_name"):
    """The salon's rules for bookings. What it says of itself is in salon.updated.v1."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 2,
        "subject_name": "salon",
        "minimum_notice_minutes": 60,
        "horizon_days": 180,
        "cancellation_window_hours": 24,
        "confirm_by_hand": False,
        "open_bookings_per_customer": 10,
        "offer_minutes": 30,
        "confirm_within_hours": 72,
        "buffers_within_hours": False,
    }

    subject_name: str
    minimum_notice_minutes: int
    horizon_days: int
    cancellation_window_hours: int
    confirm_by_hand: bool
    open_bookings_per_customer: int
    offer_minutes: int
    confirm_within_hours: int
    buffers_within_hours: bool = False


class Translation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str


class TreatmentEvent(Event):
    service_id: UUID
    category: Category
    duration_minutes: int
    price_amount: int
    currency: Currency
    translations: dict[Literal["da", "en"], Translation]
    active: bool


class TreatmentCreated(TreatmentEvent, type="treatment.created.v1", subject="service_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT


class TreatmentUpdated(TreatmentEvent, type="treatment.updated.v1", subject="service_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT | {"version": 2, "price_amount": 69900}


class TreatmentArchived(TreatmentEvent, type="treatment.archived.v1", subject="service_id"):
    """The treatment is no longer offered. Existing bookings keep it."""

    EXAMPLE: ClassVar[dict[str, Any]] = TREATMENT | {"version": 3, "active": False}


class LocticianUpdated(Event, type="loctician.updated.v1", subject="loctician_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
        "display_name": "Amina",
        "service_ids": ["01936d5e-8d3e-7000-8000-0000000000c1"],
    }

    loctician_id: UUID
    display_name: str
    service_ids: list[UUID]
