"""Parses recurrence rules (RFC 5545, 3.3.10). A part that is not understood does not limit the rule."""

import re
from collections import Counter
from dataclasses import dataclass, replace

from services.calendar.ics import problems

DAILY, WEEKLY, MONTHLY, YEARLY = "DAILY", "WEEKLY", "MONTHLY", "YEARLY"
UNITS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
WEEKDAYS = {name: n for n, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
NUMBER = re.compile(r"[+-]?\d{1,9}")
BOUNDS = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
MOST_ORDINALS = {MONTHLY: 5, YEARLY: 53}  # no month has a sixth Monday
NEVER_ZERO = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    frequency: str
    interval: int = 1
    count: int | None = None
    until: str = ""  # as it is written
    week_start: int = 0
    weekdays: tuple[tuple[int, int], ...] = ()  # ordinal (0: every) and weekday
    seconds: Numbers = ()
    minutes: Numbers = ()
    hours: Numbers = ()
    month_days: Numbers = ()
    year_days: Numbers = ()
    weeks: Numbers = ()
    months: Numbers = ()
    positions: Numbers = ()

    @property
    def is_plain(self) -> bool:
        """Whether it has nothing but a frequency, an interval and an end."""
        return self == Rule(self.frequency, self.interval, self.count, self.until, self.week_start)

    def for_whole_days(self) -> "Rule":
        interval = self.interval
        if self.frequency in UNITS:
            interval = max(1, interval * UNITS[self.frequency] // 86_400)
        frequency = DAILY if self.frequency in UNITS else self.frequency
        return replace(self, frequency=frequency, interval=interval, seconds=(), minutes=(), hours=())


def parse_rule(text: str, counts: Counter[str]) -> Rule | None:
    """None if the frequency or the calendar's system is not known; other parts that are not understood are counted.
    Then COUNT does not limit the rule either, because the recurrences that it counts may lie farther apart."""
    unclear = Counter[str]()
    parts = _parts(text, unclear)
    frequency = parts.pop("FREQ", "")
    known = {DAILY, WEEKLY, MONTHLY, YEARLY, *UNITS}
    if frequency not in known or parts.pop("RSCALE", "GREGORIAN") not in ("GREGORIAN", "GREGORY"):
        return None
    rule = Rule(
        frequency,
        interval=_positive(parts.pop("INTERVAL", "1"), unclear) or 1,
        count=_positive(parts.pop("COUNT"), unclear) if "COUNT" in parts else None,
        until=parts.pop("UNTIL", ""),
        week_start=_week_start(parts.pop("WKST", "MO"), unclear),
        weekdays=_weekdays(parts.pop("BYDAY", ""), frequency, unclear),
        seconds=_numbers("BYSECOND", parts, unclear),
        minutes=_numbers("BYMINUTE", parts, unclear),
        hours=_numbers("BYHOUR", parts, unclear),
        month_days=_numbers("BYMONTHDAY", parts, unclear),
        year_days=_numbers("BYYEARDAY", parts, unclear),
        weeks=_numbers("BYWEEKNO", parts, unclear),
        months=_numbers("BYMONTH", parts, unclear),
        positions=_numbers("BYSETPOS", parts, unclear),
    )
    unclear.update(name for name in parts if not name.startswith("X-"))
    if +unclear:
        counts[problems.UNCLEAR_RULE] += 1
        return replace(rule, count=None)
    return rule


def _parts(text: str, unclear: Counter[str]) -> dict[str, str]:
    """By their names. A part that is given twice, with different values, is left out."""
    parts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.upper().split(";"))):
        name, value = (side.strip() for side in part.partition("=")[::2])
        unclear[name] += parts.setdefault(name, value) != value
    for name in +unclear:
        del parts[name]
    return parts


def _week_start(text: str, unclear: Counter[str]) -> int:
    unclear[text] += text not in WEEKDAYS
    return WEEKDAYS.get(text, 0)


def _positive(text: str, unclear: Counter[str]) -> int | None:
    if NUMBER.fullmatch(text) and int(text) > 0:
        return int(text)
    unclear[text] += 1
    return None


def _numbers(name: str, parts: dict[str, str], unclear: Counter[str]) -> Numbers:
    least, most = BOUNDS[name]
    numbers = set()
    for text in filter(None, (text.strip() for text in parts.pop(name, "").split(","))):
        number = int(text) if NUMBER.fullmatch(text) else most + 1
        if least <= number <= most and not (number == 0 and name in NEVER_ZERO):
            numbers.add(number)
        else:
            unclear[name] += 1
    return tuple(sorted(numbers))


def _weekdays(text: str, frequency: str, unclear: Counter[str]) -> tuple[tuple[int, int], ...]:
    """Only a month and a year have a first Monday; an ordinal in another rule is left out."""
    days = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = WEEKDAY.fullmatch(part)
        ordinal = int(match[1] or 0) if match and frequency in MOST_ORDINALS else 0
        if match and abs(ordinal) <= MOST_ORDINALS.get(frequency, 0):
            days.add((ordinal, WEEKDAYS[match[2]]))
        else:
            unclear[part] += 1
    return tuple(sorted(days))
