"""Times as people read them: by the clock in Copenhagen, in Danish and English."""

from datetime import date, datetime

from babel.dates import format_date, format_datetime

from domain.clock import is_ambiguous, to_copenhagen
from domain.money import LOCALES

# Babel patterns, by language
INSTANT = {"da": "EEEE 'den' d. MMMM y 'kl.' H.mm", "en": "EEEE d MMMM y 'at' HH:mm"}
CLOCK = {"da": "H.mm", "en": "HH:mm"}
DAY = {"da": "EEEE 'den' d. MMMM", "en": "EEEE d MMMM"}
NEAR = {"da": ("kl. {clock} i dag", "kl. {clock} i morgen"), "en": ("{clock} today", "{clock} tomorrow")}
REPEATED = {  # which is meant of the two hours that autumn shows alike: winter time, summer time
    "da": ("vintertid, UTC+1", "sommertid, UTC+2"),
    "en": ("winter time, UTC+1", "summer time, UTC+2"),
}


def format_instant(instant: datetime, language: str) -> str:
    return _format(instant, INSTANT, language)


def format_clock(instant: datetime, language: str) -> str:
    return _format(instant, CLOCK, language)


def format_day(day: date, language: str) -> str:
    return format_date(day, DAY[language], locale=LOCALES[language])


def format_span(start: datetime, end: datetime, language: str) -> str:
    """`mandag den 29. marts 2027 kl. 10.00–11.30`; with both dates if it ends on another day."""
    same_day = to_copenhagen(start).date() == to_copenhagen(end).date()
    return f"{format_instant(start, language)}–{_format(end, CLOCK if same_day else INSTANT, language)}"


def format_deadline(deadline: datetime, now: datetime, language: str) -> str:
    """After `senest` or `by`: `kl. 14.30 i dag`; with the date if it is neither today nor tomorrow."""
    days = (to_copenhagen(deadline).date() - to_copenhagen(now).date()).days
    if days in (0, 1):
        return NEAR[language][days].format(clock=format_clock(deadline, language))
    return format_instant(deadline, language)


def _format(instant: datetime, patterns: dict[str, str], language: str) -> str:
    local = to_copenhagen(instant)
    formatted = format_datetime(local, patterns[language], locale=LOCALES[language])
    return f"{formatted} ({REPEATED[language][bool(local.dst())]})" if is_ambiguous(instant) else formatted
