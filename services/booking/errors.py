"""What booking refuses, and why. The SQL functions name a refusal by its code."""

from typing import Any, ClassVar

import orjson
from asyncpg import PostgresError

from services.booking.slots import errors as slots
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
    title: ClassVar[Texts] = {"da": "Kunden har en anden tid", "en": "The customer has another appointment"}
    detail: ClassVar[Texts] = {
        "da": "Kunden har allerede en tid, der overlapper. Se de nærmeste ledige tider i alternatives.",
        "en": "The customer already has a booking that overlaps. The nearest free times are in alternatives.",
    }


class UnknownCustomer(RuleBroken):
    code = "unknown_customer"
    title: ClassVar[Texts] = {"da": "Ukendt kunde", "en": "Unknown customer"}
    detail: ClassVar[Texts] = {"da": "customer_id er ikke en aktiv kunde.", "en": "customer_id is no active customer."}


class CustomerRequired(RuleBroken):
    code = "customer_required"
    title: ClassVar[Texts] = {"da": "Kunde mangler", "en": "Customer missing"}
    detail: ClassVar[Texts] = {
        "da": "Angiv customer_id, når personalet booker.",
        "en": "Name customer_id when staff book.",
    }


class EmailNotVerified(Forbidden):
    code = "email_not_verified"
    title: ClassVar[Texts] = {"da": "Bekræft din e-mail", "en": "Verify your e-mail"}
    detail: ClassVar[Texts] = {
        "da": "Bekræft din e-mailadresse, før du booker.",
        "en": "Verify your e-mail address before you book.",
    }


class NotForOthers(Forbidden):
    code = "not_for_others"
    detail: ClassVar[Texts] = {
        "da": "Kun personalet gør det for andre, og en loctician kun i egen stol.",
        "en": "Only staff do this for others, and a loctician for the own chair only.",
    }


class WrongStatus(Conflict):
    code = "wrong_status"
    title: ClassVar[Texts] = {"da": "Forkert status", "en": "Wrong status"}
    detail: ClassVar[Texts] = {
        "da": "Bookingens status er {status}; det tillader ikke dette.",
        "en": "The booking is {status}, which does not allow this.",
    }


class AlreadyStarted(Conflict):
    code = "already_started"
    title: ClassVar[Texts] = {"da": "Allerede begyndt", "en": "Already started"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er begyndt; ring til salonen.",
        "en": "The appointment has started; please call the salon.",
    }


class NotStarted(Conflict):
    code = "not_started"
    title: ClassVar[Texts] = {"da": "Ikke begyndt endnu", "en": "Not started yet"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke begyndt, så den kan endnu hverken være gennemført eller udeblevet fra.",
        "en": "The appointment has not started, so it can neither be completed nor missed yet.",
    }


class WindowPassed(Conflict):
    code = "window_passed"
    title: ClassVar[Texts] = {"da": "For sent at flytte", "en": "Too late to move"}
    detail: ClassVar[Texts] = {
        "da": "Tiden kan flyttes indtil {hours} timer før; ring til salonen.",
        "en": "Appointments can be moved until {hours} hours before; please call the salon.",
    }


class TooManyOpen(Conflict):
    code = "too_many_open"
    title: ClassVar[Texts] = {"da": "For mange kommende tider", "en": "Too many appointments ahead"}
    detail: ClassVar[Texts] = {
        "da": "Der kan højst være {limit} kommende tider ad gangen.",
        "en": "There can be {limit} appointments ahead at a time.",
    }


class NothingBooked(Conflict):
    code = "nothing_booked"
    title: ClassVar[Texts] = {"da": "Ingen af tiderne kan bookes", "en": "None of the times can be had"}
    detail: ClassVar[Texts] = {
        "da": "Hver dato står med sin grund i items.",
        "en": "Each date stands with its reason in items.",
    }


class HoldLapsed(Conflict):
    code = "hold_lapsed"
    title: ClassVar[Texts] = {"da": "Reservationen er udløbet", "en": "The hold has lapsed"}
    detail: ClassVar[Texts] = {
        "da": "Tiden holdes ikke længere for dig. Se de nærmeste ledige tider i alternatives.",
        "en": "The time is no longer held for you. The nearest free times are in alternatives.",
    }


class HoldMismatch(RuleBroken):
    code = "hold_mismatch"
    title: ClassVar[Texts] = {"da": "Reservationen gælder noget andet", "en": "The hold is for something else"}
    detail: ClassVar[Texts] = {
        "da": "service_ids, loctician_id og start skal være dem, der blev reserveret.",
        "en": "service_ids, loctician_id and start must be those that were held.",
    }


class TooManyWishes(Conflict):
    code = "too_many_wishes"
    title: ClassVar[Texts] = {"da": "For mange ønsker", "en": "Too many wishes"}
    detail: ClassVar[Texts] = {
        "da": "Der kan højst være 10 ønsker på ventelisten ad gangen.",
        "en": "There can be 10 wishes on the waitlist at a time.",
    }


class WalkInHasNoAccount(RuleBroken):
    code = "walk_in_has_no_account"
    title: ClassVar[Texts] = {"da": "En kunde uden aftale har ingen konto", "en": "A walk-in has no account"}
    detail: ClassVar[Texts] = {
        "da": "Angiv enten customer_id eller walk_in, og walk_in kun fra salonen.",
        "en": "Name either customer_id or walk_in, and walk_in from the salon only.",
    }


class NotYourProfile(Forbidden):
    code = "not_your_profile"
    detail: ClassVar[Texts] = {
        "da": "En loctician retter kun sin egen profil.",
        "en": "A loctician edits no profile but the own.",
    }


class SalonOnly(Forbidden):
    code = "salon_only"
    detail: ClassVar[Texts] = {
        "da": "Kun personalet ser det, der ikke tilbydes.",
        "en": "Only staff see what is not on offer.",
    }


REFUSED = "LB001"  # the SQLSTATE of booking.refuse()
EXCLUSION_VIOLATION = "23P01"

UNBOOKABLE: tuple[type[ProblemError], ...] = (
    slots.SlotTaken,
    slots.OutsideHours,
    slots.Holiday,
    slots.Closed,
    slots.InPast,
    slots.TooSoon,
    slots.TooFarAhead,
    slots.OffGrid,
    slots.UnknownTreatment,
    slots.UnknownLoctician,
    slots.TreatmentNotOffered,
    CustomerOverlap,
)
TOLD_BY_THE_DATABASE: tuple[type[ProblemError], ...] = (
    *UNBOOKABLE,
    UnknownCustomer,
    IdempotencyKeyReused,
    EmailNotVerified,
    NotForOthers,
    WrongStatus,
    AlreadyStarted,
    NotStarted,
    WindowPassed,
    TooManyOpen,
    HoldLapsed,
    HoldMismatch,
    TooManyWishes,
    NotFound,
    StaleVersion,
)
REFUSALS = {error.code: error for error in TOLD_BY_THE_DATABASE}
# Where another time would do, the nearest free ones are named.
ABOUT_THE_TIME = (
    slots.SlotTaken,
    slots.OutsideHours,
    slots.Holiday,
    slots.Closed,
    CustomerOverlap,
    HoldLapsed,
)


def refusal_of(error: PostgresError) -> ProblemError | None:
    """The refusal that the database raised; None for any other failure."""
    cause: Any = error  # the driver sets the fields it was given
    if cause.sqlstate == REFUSED:
        return REFUSALS[cause.message](**orjson.loads(cause.detail or "{}"))
    if cause.sqlstate == EXCLUSION_VIOLATION and cause.constraint_name in REFUSALS:
        return REFUSALS[cause.constraint_name]()
    return None
