"""What is wrong with an import, in words."""

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar
from services.calendar.ics import problems
from services.calendar.rows import Row
from shared.errors import ProblemError, Texts

ERRORS: dict[str, type[ProblemError]] = {
    error.code: error for error in (AddressRefused, AddressUnreachable, CalendarTooLarge, NotACalendar)
}
REFUSED_BY_STATUS: Texts = {
    "da": "Adressen svarede med HTTP-status {status} i stedet for en kalender. Vi prøver igen senere.",
    "en": "The address answered with HTTP status {status} instead of a calendar. We will try again later.",
}
UNCLEAR: dict[str, Texts] = {
    problems.NO_START: {
        "da": "Begivenheder uden et tidspunkt, vi kan læse: {count}. De spærrer ikke for bookinger.",
        "en": "Events without a time that we can read: {count}. They block nothing.",
    },
    problems.UNCLEAR_TIME: {
        "da": "Begivenheder, hvor vi kun kan læse starten eller slutningen: {count}. De spærrer resten af den dag.",
        "en": "Events of which we can read only the start or the end: {count}. They block the rest of that day.",
    },
    problems.NO_LENGTH: {
        "da": "Begivenheder, der slutter i samme øjeblik, som de begynder: {count}. De spærrer ikke for bookinger.",
        "en": "Events that end when they begin: {count}. They block nothing.",
    },
    problems.UNCLEAR_RULE: {
        "da": "Gentagelser, som vi ikke forstår helt: {count}. Se efter, om de rigtige tider er spærret.",
        "en": "Recurrences that we do not fully understand: {count}. Check that the right times are blocked.",
    },
    problems.UNCLEAR_PERIOD: {
        "da": "Optagede perioder, som vi ikke forstår helt: {count}. Se efter, om de rigtige tider er spærret.",
        "en": "Busy periods that we do not fully understand: {count}. Check that the right times are blocked.",
    },
    problems.UNKNOWN_TIME_ZONE: {
        "da": "Begivenheder i en tidszone, vi ikke kender: {count}. Vi læser dem som dansk tid.",
        "en": "Events in a time zone that we do not know: {count}. We read them as Danish time.",
    },
    problems.UNKNOWN_COMPONENT: {
        "da": "Dele af kalenderen, som vi ikke kender: {count}. De spærrer ikke for bookinger.",
        "en": "Parts of the calendar that we do not know: {count}. They block nothing.",
    },
    problems.CUT_OFF: {
        "da": "Kalenderen stopper, før den er slut. Der kan mangle begivenheder.",
        "en": "The calendar stops before its end. Events may be missing.",
    },
    problems.NO_EVENTS: {
        "da": "Der er ingen begivenheder i kalenderen. Den spærrer ikke for bookinger.",
        "en": "There are no events in the calendar. It blocks nothing.",
    },
}


def error_text(row: Row, language: str) -> str | None:
    """Why the last fetch failed; None if it did not."""
    if row["problem"] is None:
        return None
    if row["http_status"]:
        return REFUSED_BY_STATUS[language].format(status=row["http_status"])
    return ERRORS[row["problem"]].detail[language]


def unclear_text(code: str, count: int, language: str) -> str:
    return UNCLEAR[code][language].format(count=count)
