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
        "da": "Tiden er ikke ledig længere. Vælg en anden tid.",
        "en": "The time is no longer free. Choose another time.",
    }


class OutsideHours(Conflict):
    code = "outside_hours"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Uden for åbningstid", "en": "Outside opening hours"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen ligger uden for åbningstiden. Vælg en anden tid.",
        "en": "The treatment is not within opening hours. Choose another time.",
    }


class Holiday(Conflict):
    code = "holiday"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Lukket på helligdagen", "en": "Closed for the holiday"}
    detail: ClassVar[Texts] = {
        "da": "Det er helligdag, og der er lukket. Vælg en anden tid.",
        "en": "It is a public holiday, and nobody works. Choose another time.",
    }


class Closed(Conflict):
    code = "closed"
    fields: ClassVar[dict[str, Any]] = ALTERNATIVES
    title: ClassVar[Texts] = {"da": "Lukket den dag", "en": "Closed that day"}
    detail: ClassVar[Texts] = {
        "da": "Der er lukket den dag. Vælg en anden tid.",
        "en": "Nobody works that day. Choose another time.",
    }


class InPast(RuleBroken):
    code = "in_past"
    title: ClassVar[Texts] = {"da": "Tiden er passeret", "en": "The time has passed"}
    detail: ClassVar[Texts] = {"da": "Vælg en tid i fremtiden.", "en": "Choose a time in the future."}


class TooSoon(RuleBroken):
    code = "too_soon"
    pointer = "/body/start"
    title: ClassVar[Texts] = {"da": "For kort varsel", "en": "Too short notice"}
    detail: ClassVar[Texts] = {
        "da": "Salonen tager ikke imod bookinger med så kort varsel. Vælg en senere tid.",
        "en": "The salon does not take bookings at such short notice. Choose a later time.",
    }


class TooFarAhead(RuleBroken):
    code = "too_far_ahead"
    pointer = "/body/start"
    title: ClassVar[Texts] = {"da": "For langt ude i fremtiden", "en": "Too far ahead"}
    detail: ClassVar[Texts] = {
        "da": "Der kan endnu ikke bookes så langt frem. Vælg en tidligere dag.",
        "en": "The salon does not take bookings so far ahead yet. Choose an earlier day.",
    }


class OffGrid(RuleBroken):
    code = "off_grid"
    pointer = "/body/start"
    title: ClassVar[Texts] = {"da": "Ikke et starttidspunkt", "en": "Not a starting time"}
    detail: ClassVar[Texts] = {
        "da": "Behandlingen kan kun begynde på faste minuttal. Vælg en af de ledige tider.",
        "en": "The treatment can only start at fixed minutes. Choose one of the free times.",
    }


class UnknownTreatment(RuleBroken):
    code = "unknown_treatment"
    title: ClassVar[Texts] = {"da": "Ukendt behandling", "en": "Unknown treatment"}
    detail: ClassVar[Texts] = {
        "da": "Mindst én af behandlingerne findes ikke eller tilbydes ikke mere.",
        "en": "At least one of the treatments does not exist or is no longer offered.",
    }


class UnknownLoctician(RuleBroken):
    code = "unknown_loctician"
    title: ClassVar[Texts] = {"da": "Ukendt loctician", "en": "Unknown loctician"}
    detail: ClassVar[Texts] = {
        "da": "Locticianen findes ikke eller tager ikke imod bookinger.",
        "en": "The loctician does not exist or takes no bookings.",
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
    pointer = "/query/to"
    title: ClassVar[Texts] = {"da": "Ugyldigt tidsrum", "en": "Invalid period"}
    fields: ClassVar[dict[str, Any]] = {"days": {"type": "integer", "examples": [31]}}
    detail: ClassVar[Texts] = {
        "da": "Slutningen skal ligge efter begyndelsen, og perioden må højst være på {days} dage.",
        "en": "The end must be after the beginning, and the period at most {days} days long.",
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
