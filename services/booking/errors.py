"""What booking refuses, and why. The SQL functions name a refusal by its code."""

from typing import Any, ClassVar

from sqlalchemy.exc import DBAPIError

from shared.errors import Conflict, Forbidden, ProblemError, RuleBroken, Texts

REFUSED = "LB001"  # the SQLSTATE of booking.refuse()
EXCLUSION_VIOLATION = "23P01"


class SlotTaken(Conflict):
    code = "slot_taken"
    title: ClassVar[Texts] = {"da": "Tiden er optaget", "en": "The time is taken"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke ledig længere. Se de nærmeste ledige tider i alternatives.",
        "en": "This time is no longer free. The nearest free ones are in alternatives.",
    }


class CustomerOverlap(Conflict):
    code = "customer_overlap"
    title: ClassVar[Texts] = {"da": "Kunden har en anden tid", "en": "The customer has another appointment"}
    detail: ClassVar[Texts] = {
        "da": "Kunden har allerede en tid, der overlapper. Se de nærmeste ledige tider i alternatives.",
        "en": "The customer already has a booking that overlaps. The nearest free times are in alternatives.",
    }


class OutsideHours(Conflict):
    code = "outside_hours"
    title: ClassVar[Texts] = {"da": "Uden for åbningstid", "en": "Outside opening hours"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen ligger uden for åbningstiden. Se de nærmeste ledige tider i alternatives.",
        "en": "The treatment does not lie within opening hours. The nearest free times are in alternatives.",
    }


class InPast(RuleBroken):
    code = "in_past"
    title: ClassVar[Texts] = {"da": "Tiden er passeret", "en": "The time has passed"}
    detail: ClassVar[Texts] = {"da": "start skal ligge i fremtiden.", "en": "start must lie in the future."}


class TooFarAhead(RuleBroken):
    code = "too_far_ahead"
    title: ClassVar[Texts] = {"da": "For langt ude i fremtiden", "en": "Too far ahead"}
    detail: ClassVar[Texts] = {
        "da": "Der kan bookes højst 180 dage frem.",
        "en": "Bookings are taken up to 180 days ahead.",
    }


class OffGrid(RuleBroken):
    code = "off_grid"
    title: ClassVar[Texts] = {"da": "Ikke et starttidspunkt", "en": "Not a starting time"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen begynder kun på faste minuttal. Hent starttider fra /api/v1/slots.",
        "en": "The treatment starts at fixed minutes only. Get its starts from /api/v1/slots.",
    }


class UnknownTreatment(RuleBroken):
    code = "unknown_treatment"
    title: ClassVar[Texts] = {"da": "Ukendt behandling", "en": "Unknown treatment"}
    detail: ClassVar[Texts] = {
        "da": "Mindst én behandling i service_ids findes ikke eller tilbydes ikke mere.",
        "en": "At least one treatment in service_ids does not exist or is no longer offered.",
    }


class UnknownLoctician(RuleBroken):
    code = "unknown_loctician"
    title: ClassVar[Texts] = {"da": "Ukendt loctician", "en": "Unknown loctician"}
    detail: ClassVar[Texts] = {
        "da": "loctician_id er ikke en loctician, der tager imod.",
        "en": "loctician_id is not a loctician who takes bookings.",
    }


class TreatmentNotOffered(RuleBroken):
    code = "treatment_not_offered"
    title: ClassVar[Texts] = {"da": "Tilbydes ikke", "en": "Not offered"}
    detail: ClassVar[Texts] = {
        "da": "Ingen, der passer til valget, udfører alle behandlingerne.",
        "en": "Nobody who fits the choice performs all of these treatments.",
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


class IdempotencyKeyReused(RuleBroken):
    code = "idempotency_key_reused"
    title: ClassVar[Texts] = {"da": "Idempotency-Key er brugt", "en": "Idempotency-Key was used"}
    detail: ClassVar[Texts] = {
        "da": "Samme Idempotency-Key er sendt med et andet indhold.",
        "en": "The same Idempotency-Key came with another body before.",
    }


class RangeTooLong(RuleBroken):
    code = "range_too_long"
    title: ClassVar[Texts] = {"da": "Ugyldigt tidsrum", "en": "Invalid range"}
    detail: ClassVar[Texts] = {
        "da": "to skal ligge efter from og højst 31 dage senere.",
        "en": "to must lie after from and at most 31 days later.",
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
        "da": "Kun personalet booker for andre, og en loctician kun i egen stol.",
        "en": "Only staff book for others, and a loctician for the own chair only.",
    }


class WrongStatus(Conflict):
    code = "wrong_status"
    title: ClassVar[Texts] = {"da": "Forkert status", "en": "Wrong status"}
    detail: ClassVar[Texts] = {
        "da": "Bookingen er {status} og kan ikke aflyses.",
        "en": "The booking is {status} and cannot be cancelled.",
    }


class AlreadyStarted(Conflict):
    code = "already_started"
    title: ClassVar[Texts] = {"da": "Allerede begyndt", "en": "Already started"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er begyndt; ring til salonen.",
        "en": "The appointment has started; please call the salon.",
    }


REFUSALS: dict[str, type[ProblemError]] = {
    error.code: error
    for error in (
        SlotTaken,
        CustomerOverlap,
        OutsideHours,
        InPast,
        TooFarAhead,
        OffGrid,
        UnknownTreatment,
        UnknownLoctician,
        TreatmentNotOffered,
        UnknownCustomer,
        IdempotencyKeyReused,
        EmailNotVerified,
    )
}


def refusal_of(error: DBAPIError) -> type[ProblemError] | None:
    """The refusal that the database raised; None for any other failure."""
    cause: Any = error.orig.__cause__ if error.orig else None
    state = getattr(cause, "sqlstate", None)
    if state == REFUSED:
        return REFUSALS[cause.message]
    if state == EXCLUSION_VIOLATION:
        return REFUSALS.get(cause.constraint_name)
    return None
