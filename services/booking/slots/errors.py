"""The errors that say why a time cannot be booked."""

from typing import Any, ClassVar

from shared.errors import Conflict, ProblemError, RuleBroken, Texts

ALTERNATIVES: dict[str, Any] = {"alternatives": {"type": "array", "items": {"$ref": "#/components/schemas/Slot"}}}
"""The nearest free times."""


class SlotTaken(Conflict):
    code = "slot_taken"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Tiden er optaget", "en": "The time is taken"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke ledig længere. Se de nærmeste ledige tider i alternatives.",
        "en": "The time is no longer free. The nearest free times are in alternatives.",
    }


class OutsideHours(Conflict):
    code = "outside_hours"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Uden for åbningstid", "en": "Outside opening hours"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen ligger uden for åbningstiden. Se de nærmeste ledige tider i alternatives.",
        "en": "The treatment is not within opening hours. The nearest free times are in alternatives.",
    }


class Holiday(Conflict):
    code = "holiday"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Lukket på helligdagen", "en": "Closed for the holiday"}
    detail: ClassVar[Texts] = {
        "da": "Det er helligdag, og der er lukket. Se de nærmeste ledige tider i alternatives.",
        "en": "It is a public holiday, and nobody works. The nearest free times are in alternatives.",
    }


class Closed(Conflict):
    code = "closed"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Lukket den dag", "en": "Closed that day"}
    detail: ClassVar[Texts] = {
        "da": "Der er lukket den dag. Se de nærmeste ledige tider i alternatives.",
        "en": "Nobody works that day. The nearest free times are in alternatives.",
    }


class InPast(RuleBroken):
    code = "in_past"
    title: ClassVar[Texts] = {"da": "Tiden er passeret", "en": "The time has passed"}
    detail: ClassVar[Texts] = {"da": "start skal ligge i fremtiden.", "en": "start must be in the future."}


class TooSoon(RuleBroken):
    code = "too_soon"
    title: ClassVar[Texts] = {"da": "For kort varsel", "en": "Too short notice"}
    detail: ClassVar[Texts] = {
        "da": "Salonen tager ikke imod bookinger med så kort varsel. Se salonens regler i /api/v1/bookings/rules.",
        "en": "The salon does not take bookings at such short notice. See its rules in /api/v1/bookings/rules.",
    }


class TooFarAhead(RuleBroken):
    code = "too_far_ahead"
    title: ClassVar[Texts] = {"da": "For langt ude i fremtiden", "en": "Too far ahead"}
    detail: ClassVar[Texts] = {
        "da": "Der kan endnu ikke bookes så langt frem. Se salonens regler i /api/v1/bookings/rules.",
        "en": "The salon does not take bookings so far ahead yet. See its rules in /api/v1/bookings/rules.",
    }


class OffGrid(RuleBroken):
    code = "off_grid"
    title: ClassVar[Texts] = {"da": "Ikke et starttidspunkt", "en": "Not a starting time"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen kan kun begynde på faste minuttal. Hent de ledige tider fra /api/v1/slots.",
        "en": "The treatment can only start at fixed minutes. Get the free times from /api/v1/slots.",
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
        "da": "loctician_id er ikke en loctician, der tager imod bookinger.",
        "en": "loctician_id is not a loctician who takes bookings.",
    }


class TreatmentNotOffered(RuleBroken):
    code = "treatment_not_offered"
    title: ClassVar[Texts] = {"da": "Tilbydes ikke", "en": "Not offered"}
    detail: ClassVar[Texts] = {
        "da": "Ingen loctician kan udføre alle de valgte behandlinger.",
        "en": "No loctician can perform all of the chosen treatments.",
    }


class RangeTooLong(RuleBroken):
    code = "range_too_long"
    title: ClassVar[Texts] = {"da": "Ugyldigt tidsrum", "en": "Invalid period"}
    fields: ClassVar[dict[str, Any]] = {"days": {"type": "integer", "examples": [31]}}
    detail: ClassVar[Texts] = {
        "da": "to skal ligge efter from, og perioden må højst være på {days} dage.",
        "en": "to must be after from, and the period at most {days} days long.",
    }


UNKNOWN: tuple[type[ProblemError], ...] = (UnknownTreatment, UnknownLoctician, TreatmentNotOffered)
UNBOOKABLE: tuple[type[ProblemError], ...] = (
    SlotTaken,
    OutsideHours,
    Holiday,
    Closed,
    InPast,
    TooSoon,
    TooFarAhead,
    OffGrid,
    *UNKNOWN,
)
