"""What mails and notices say about imported calendars."""

from collections.abc import Mapping
from typing import Any

FILE = {"da": "den importerede kalenderfil", "en": "the imported calendar file"}
NAMED = {"da": "kalenderen „{}“", "en": "the calendar “{}”"}
FROM_HOST = {"da": "kalenderen fra {}", "en": "the calendar from {}"}
BY_STATUS = {
    "da": "Adressen svarer med HTTP-status {} i stedet for en kalender.",
    "en": "The address answers with HTTP status {} instead of a calendar.",
}
REASONS = {
    "da": {
        "address_refused": "Adressen kan ikke bruges: Den skal være en offentlig https-adresse.",
        "address_unreachable": "Adressen svarer ikke.",
        "calendar_too_large": "Kalenderen er for stor.",
        "not_a_calendar": "Det, vi får fra adressen, er ikke en kalender.",
    },
    "en": {
        "address_refused": "The address cannot be used: it must be a public https address.",
        "address_unreachable": "The address does not answer.",
        "calendar_too_large": "The calendar is too large.",
        "not_a_calendar": "What the address returns is not a calendar.",
    },
}
PROBLEMS = {
    "da": {
        "no_start": "Begivenheder uden et tidspunkt, vi kan læse: {}. De spærrer ikke for bookinger.",
        "unclear_time": "Begivenheder, hvor vi kun kan læse starten eller slutningen: {}. "
        "De spærrer resten af den dag.",
        "no_length": "Begivenheder, der slutter i samme øjeblik, som de begynder: {}. De spærrer ikke for bookinger.",
        "unclear_rule": "Gentagelser, som vi ikke forstår helt: {}.",
        "unclear_period": "Optagede perioder, som vi ikke forstår helt: {}.",
        "unknown_time_zone": "Begivenheder i en tidszone, vi ikke kender: {}. Vi læser dem som dansk tid.",
        "unknown_component": "Dele af kalenderen, som vi ikke kender: {}. De spærrer ikke for bookinger.",
        "cut_off": "Kalenderen stopper, før den er slut. Der kan mangle begivenheder.",
        "no_events": "Der er ingen begivenheder i kalenderen.",
    },
    "en": {
        "no_start": "Events without a time that we can read: {}. They block nothing.",
        "unclear_time": "Events of which we can read only the start or the end: {}. They block the rest of that day.",
        "no_length": "Events that end when they begin: {}. They block nothing.",
        "unclear_rule": "Recurrences that we do not fully understand: {}.",
        "unclear_period": "Busy periods that we do not fully understand: {}.",
        "unknown_time_zone": "Events in a time zone that we do not know: {}. We read them as Danish time.",
        "unknown_component": "Parts of the calendar that we do not know: {}. They block nothing.",
        "cut_off": "The calendar stops before its end. Events may be missing.",
        "no_events": "There are no events in the calendar.",
    },
}
OTHER = {"da": "Andet, som vi ikke forstår: {}.", "en": "Other things that we do not understand: {}."}


def values(data: Mapping[str, Any], name: str, language: str) -> dict[str, Any]:
    """What templates about an import may use; `name` on one line."""
    values: dict[str, Any] = {"calendar": _calendar(name, data["host"], language)}
    if "problems" in data:
        known = PROBLEMS[language]
        values["problems"] = [
            known.get(problem["code"], OTHER[language]).format(problem["count"]) for problem in data["problems"]
        ]
    if "problem" in data:
        by_code = REASONS[language].get(data["problem"], REASONS[language]["address_unreachable"])
        values["reason"] = BY_STATUS[language].format(data["http_status"]) if data["http_status"] else by_code
    return values


def _calendar(name: str, host: str, language: str) -> str:
    if name:
        return NAMED[language].format(name)
    return FROM_HOST[language].format(host) if host else FILE[language]
