"""Errors of the calendar service, with the texts that callers read."""

from typing import Any, ClassVar

from shared.errors import Conflict, ProblemError, RuleBroken, Texts


class AppointmentsInTheWay(Conflict):
    code = "appointments_in_the_way"
    fields: ClassVar[dict[str, Any]] = {
        "appointments": {"type": "array", "items": {"$ref": "#/components/schemas/Appointment"}}
    }
    title: ClassVar[Texts] = {"da": "Der er aftaler i perioden", "en": "There are appointments in the period"}
    detail: ClassVar[Texts] = {
        "da": "Flyt eller aflys aftalerne i appointments, eller send force: true.",
        "en": "Move or cancel the appointments listed in appointments, or send force: true.",
    }


class LimitReached(Conflict):
    code = "limit_reached"
    fields: ClassVar[dict[str, Any]] = {"limit": {"type": "integer", "examples": [5]}}
    title: ClassVar[Texts] = {"da": "Grænsen er nået", "en": "Limit reached"}
    detail: ClassVar[Texts] = {
        "da": "Der kan højst være {limit}. Slet en af dem, før du tilføjer en ny.",
        "en": "There can be at most {limit}. Delete one before you add another.",
    }


class RangeTooLong(RuleBroken):
    code = "range_too_long"
    pointer = "/query/to"
    fields: ClassVar[dict[str, Any]] = {"days": {"type": "integer", "examples": [62]}}
    title: ClassVar[Texts] = {"da": "Ugyldigt tidsrum", "en": "Invalid range"}
    detail: ClassVar[Texts] = {
        "da": "Slutningen må ikke ligge før begyndelsen, og der kan højst vises {days} dage ad gangen.",
        "en": "The end must not lie before the beginning, and a range has at most {days} days.",
    }


class HoursOverlap(RuleBroken):
    code = "hours_overlap"
    title: ClassVar[Texts] = {"da": "Arbejdstiderne overlapper", "en": "The working hours overlap"}
    detail: ClassVar[Texts] = {
        "da": "To arbejdstider på samme ugedag må ikke overlappe i samme periode. En pause er tiden mellem to "
        "arbejdstider.",
        "en": "Two openings on the same weekday must not overlap while both are valid. A break is the time between two "
        "openings.",
    }


class NotACalendar(RuleBroken):
    code = "not_a_calendar"
    title: ClassVar[Texts] = {"da": "Ikke en kalender", "en": "Not a calendar"}
    detail: ClassVar[Texts] = {
        "da": "Indholdet kan ikke læses som iCalendar (RFC 5545).",
        "en": "The content cannot be read as iCalendar (RFC 5545).",
    }


class CalendarTooLarge(RuleBroken):
    code = "calendar_too_large"
    title: ClassVar[Texts] = {"da": "Kalenderen er for stor", "en": "The calendar is too large"}
    detail: ClassVar[Texts] = {
        "da": "Den må højst fylde 5 MiB og må for de næste 460 dage højst have 10.000 begivenheder, 20.000 gentagelser "
        "og 5.000 optagede tider. Den skal kunne læses på få sekunder.",
        "en": "It may have at most 5 MiB and, for the next 460 days, at most 10,000 events, 20,000 recurrences and "
        "5,000 busy times. It must be readable within seconds.",
    }


class AddressRefused(RuleBroken):
    code = "address_refused"
    title: ClassVar[Texts] = {"da": "Adressen kan ikke bruges", "en": "The address cannot be used"}
    detail: ClassVar[Texts] = {
        "da": "Adressen skal være en offentlig https-adresse, hvis navn kan slås op.",
        "en": "The address must be a public https address whose name can be resolved.",
    }


class AddressUnreachable(RuleBroken):
    """Never raised to a caller: its code is stored as the import's problem after a fetch that failed, with the HTTP
    status if there was one."""

    code = "address_unreachable"
    title: ClassVar[Texts] = {"da": "Adressen svarer ikke", "en": "The address does not answer"}
    detail: ClassVar[Texts] = {
        "da": "Vi fik ingen kalender fra adressen. Vi prøver igen senere.",
        "en": "The address did not return a calendar. We will try again later.",
    }


class BadForm(ProblemError):
    status_code = 422
    code = "bad_form"
    title: ClassVar[Texts] = {"da": "Formularen kan ikke læses", "en": "Unreadable form"}
    detail: ClassVar[Texts] = {
        "da": "Formularen skal have ét felt, file, med kalenderfilen.",
        "en": "The form must have one field, file, with the calendar file.",
    }
