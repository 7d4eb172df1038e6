"""The errors of booking. SQL functions raise them by their code, see booking.refuse()."""

from typing import Any, ClassVar

import orjson
from asyncpg import PostgresError

from services.booking.slots import errors as slots
from services.booking.visitors import errors as visitors
from shared.errors import (
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    ProblemError,
    RuleBroken,
    StaleVersion,
    Texts,
)


class CustomerOverlap(Conflict):
    code = "customer_overlap"
    fields: ClassVar[dict[str, Any]] = slots.ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Kunden har en anden tid", "en": "The customer has another appointment"}
    detail: ClassVar[Texts] = {
        "da": "Kunden har allerede en tid, der overlapper. Vælg en anden tid.",
        "en": "The customer already has a booking that overlaps. Choose another time.",
    }


class UnknownCustomer(RuleBroken):
    code = "unknown_customer"
    pointer = "/body/customer_id"
    title: ClassVar[Texts] = {"da": "Ukendt kunde", "en": "Unknown customer"}
    detail: ClassVar[Texts] = {
        "da": "Kunden findes ikke eller er ikke aktiv.",
        "en": "The customer does not exist or is not active.",
    }


class CustomerRequired(RuleBroken):
    code = "customer_required"
    pointer = "/body/customer_id"
    title: ClassVar[Texts] = {"da": "Kunden mangler", "en": "Customer missing"}
    detail: ClassVar[Texts] = {
        "da": "Vælg den kunde, tiden er til.",
        "en": "Choose the customer whom the booking is for.",
    }


class NotForOthers(Forbidden):
    code = "not_for_others"
    detail: ClassVar[Texts] = {
        "da": "Det kan kun personalet gøre for andre. En loctician kan kun booke tider hos sig selv.",
        "en": "Only staff can do this for others. Locticians can only book appointments with themselves.",
    }


class WrongStatus(Conflict):
    code = "wrong_status"
    fields: ClassVar[dict[str, Any]] = {"booking_status": {"type": "string", "examples": ["cancelled"]}}
    title: ClassVar[Texts] = {"da": "Forkert status", "en": "Wrong status"}
    detail: ClassVar[Texts] = {
        "da": "Det kan ikke lade sig gøre, når bookingens status er {booking_status}.",
        "en": "This is not possible for a booking with the status {booking_status}.",
    }


class AlreadyStarted(Conflict):
    code = "already_started"
    title: ClassVar[Texts] = {"da": "Allerede begyndt", "en": "Already started"}
    detail: ClassVar[Texts] = {
        "da": "Din tid er allerede begyndt. Ring til salonen.",
        "en": "The appointment has already started. Please call the salon.",
    }


class NotStarted(Conflict):
    code = "not_started"
    title: ClassVar[Texts] = {"da": "Ikke begyndt endnu", "en": "Not started yet"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke begyndt endnu, så den kan ikke markeres som gennemført eller udeblevet.",
        "en": "The appointment has not started yet, so it cannot be marked as completed or missed.",
    }


class UndoTooLate(Conflict):
    code = "undo_too_late"
    title: ClassVar[Texts] = {"da": "For sent at fortryde", "en": "Too late to undo"}
    detail: ClassVar[Texts] = {
        "da": "En udeblivelse kan kun fortrydes i et døgn.",
        "en": "A no-show can be undone for 24 hours only.",
    }


class WindowPassed(Conflict):
    code = "window_passed"
    fields: ClassVar[dict[str, Any]] = {"hours": {"type": "integer", "examples": [24]}}
    title: ClassVar[Texts] = {"da": "For sent at flytte", "en": "Too late to move"}
    detail: ClassVar[Texts] = {
        "da": "Tiden kan kun flyttes indtil {hours} timer før. Ring til salonen.",
        "en": "Appointments can be moved until {hours} hours before. Please call the salon.",
    }


class TooManyOpen(Conflict):
    code = "too_many_open"
    fields: ClassVar[dict[str, Any]] = {"limit": {"type": "integer", "examples": [20]}}
    title: ClassVar[Texts] = {"da": "For mange kommende tider", "en": "Too many upcoming appointments"}
    detail: ClassVar[Texts] = {
        "da": "Du kan højst have {limit} kommende tider ad gangen.",
        "en": "You can have at most {limit} upcoming appointments at a time.",
    }


class NothingBooked(Conflict):
    code = "nothing_booked"
    fields: ClassVar[dict[str, Any]] = {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/SeriesDate"}}
    }
    title: ClassVar[Texts] = {"da": "Ingen af tiderne kan bookes", "en": "None of the times can be booked"}
    detail: ClassVar[Texts] = {
        "da": "I items står for hver dato, hvorfor den ikke kan bookes.",
        "en": "For each date, items says why it cannot be booked.",
    }


class HoldLapsed(Conflict):
    code = "hold_lapsed"
    fields: ClassVar[dict[str, Any]] = slots.ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Reservationen er udløbet", "en": "The hold has expired"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke længere reserveret til dig. Vælg en anden tid.",
        "en": "The time is no longer reserved for you. Choose another time.",
    }


class HoldMismatch(RuleBroken):
    code = "hold_mismatch"
    pointer = "/body/hold_id"
    title: ClassVar[Texts] = {"da": "Reservationen gælder noget andet", "en": "The hold is for something else"}
    detail: ClassVar[Texts] = {
        "da": "Behandlinger, loctician og tid skal være de samme som i reservationen.",
        "en": "Treatments, loctician and time must be the same as in the hold.",
    }


class TooManyWishes(Conflict):
    code = "too_many_wishes"
    title: ClassVar[Texts] = {"da": "For mange ønsker på ventelisten", "en": "Too many wishes on the waitlist"}
    detail: ClassVar[Texts] = {
        "da": "Du kan højst have 10 ønsker på ventelisten ad gangen.",
        "en": "You can have at most 10 wishes on the waitlist at a time.",
    }


class WalkInHasNoAccount(RuleBroken):
    code = "walk_in_has_no_account"
    pointer = "/body/walk_in"
    title: ClassVar[Texts] = {"da": "En drop-in-kunde har ingen konto", "en": "A walk-in has no account"}
    detail: ClassVar[Texts] = {
        "da": "Vælg enten en kunde med konto eller en drop-in-kunde. Kun salonen kan booke drop-in.",
        "en": "Choose a customer with an account or a walk-in. Only the salon can book walk-ins.",
    }


class TooShort(RuleBroken):
    code = "too_short"
    pointer = "/body/duration_minutes"
    title: ClassVar[Texts] = {"da": "For kort", "en": "Too short"}
    detail: ClassVar[Texts] = {
        "da": "Bookingen skal vare mindst {shortest} minutter: den sidste behandling varer mindst fem.",
        "en": "The booking must last at least {shortest} minutes: its last treatment lasts at least five.",
    }
    fields: ClassVar[dict[str, Any]] = {"shortest": {"type": "integer", "examples": [65]}}


class NotAWalkIn(RuleBroken):
    code = "not_a_walk_in"
    pointer = "/body/walk_in"
    title: ClassVar[Texts] = {"da": "Ikke en drop-in-kunde", "en": "Not a walk-in"}
    detail: ClassVar[Texts] = {
        "da": "Bookingen har en kunde med konto. Kundens navn og telefonnummer rettes på kontoen.",
        "en": "The booking has a customer with an account. Correct the name and phone number there.",
    }


class NotYourProfile(Forbidden):
    code = "not_your_profile"
    detail: ClassVar[Texts] = {
        "da": "En loctician kan kun rette sin egen profil.",
        "en": "Locticians can only edit their own profile.",
    }


class SalonOnly(Forbidden):
    code = "salon_only"
    detail: ClassVar[Texts] = {
        "da": "Kun personalet kan se det, der ikke tilbydes.",
        "en": "Only staff can see what is not offered.",
    }


REFUSED = "LB001"  # the SQLSTATE of booking.refuse()
EXCLUSION_VIOLATION = "23P01"

UNBOOKABLE: tuple[type[ProblemError], ...] = (*slots.UNBOOKABLE, CustomerOverlap)
"""Why a time cannot be booked."""
WRONG_CUSTOMER: tuple[type[ProblemError], ...] = (NotForOthers, UnknownCustomer)
WITH_ALTERNATIVES = (slots.SlotTaken, slots.OutsideHours, slots.Holiday, slots.Closed, CustomerOverlap, HoldLapsed)
"""The errors that come with the nearest free times."""
RAISED_BY_SQL: tuple[type[ProblemError], ...] = (
    *UNBOOKABLE,
    *WRONG_CUSTOMER,
    WrongStatus,
    AlreadyStarted,
    NotStarted,
    NotAWalkIn,
    TooShort,
    UndoTooLate,
    WindowPassed,
    TooManyOpen,
    HoldLapsed,
    HoldMismatch,
    TooManyWishes,
    visitors.TooManyRequests,
    visitors.AlreadyProlonged,
    IdempotencyKeyReused,
    NotFound,
    StaleVersion,
)
BY_CODE = {error.code: error for error in RAISED_BY_SQL}


def error_from(error: PostgresError) -> ProblemError | None:
    """The error that a SQL function or an exclusion constraint raised; None for any other failure."""
    cause: Any = error  # asyncpg sets the fields of the message as attributes
    if cause.sqlstate == REFUSED:
        return BY_CODE[cause.message](**orjson.loads(cause.detail or "{}"))
    if cause.sqlstate == EXCLUSION_VIOLATION and cause.constraint_name in BY_CODE:
        return BY_CODE[cause.constraint_name]()
    return None
