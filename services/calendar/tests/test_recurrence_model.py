"""Recurrence rules against dateutil, and whole series against recurring-ical-events: two independent readers."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events  # type: ignore[import-untyped]
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar

from services.calendar.ics.expansion import occurrences
from services.calendar.ics.rules import parse_rule
from services.calendar.intervals import clip
from services.calendar.tests.reading import calendar, read


def wall(*parts: int) -> datetime:
    """A time on no zone's clock."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]


FIRST, LAST = wall(2027, 1, 1), wall(2028, 3, 1)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def some(chance: random.Random, values: list[int]) -> str:
    return ",".join(map(str, sorted(chance.sample(values, chance.randint(1, min(3, len(values)))))))


def weekdays(chance: random.Random, frequency: str) -> str:
    """dateutil reads MO,1TU as a Monday that is the first Tuesday, so all days have an ordinal or none has."""
    ordinals = ["1", "-1", "2", "-2", "5"] if frequency in ("YEARLY", "MONTHLY") and chance.random() < 0.5 else [""]
    return ",".join({chance.choice(ordinals) + day for day in chance.sample(DAYS, 2)})


# Name, how often, with which frequencies, which values. dateutil looks for a rule that never fits until the year 9999,
# so those that could take minutes are left out.
PARTS: list[tuple[str, float, str, list[int]]] = [
    ("BYMONTH", 0.3, "YEARLY MONTHLY WEEKLY DAILY HOURLY MINUTELY", list(range(1, 13))),
    ("BYMONTHDAY", 0.3, "YEARLY MONTHLY DAILY HOURLY MINUTELY", [*range(1, 29), *range(-28, 0)]),
    ("BYYEARDAY", 0.15, "YEARLY", [1, 59, 60, 100, 200, 365, 366, -1, -366]),
    ("BYHOUR", 0.2, "YEARLY MONTHLY WEEKLY DAILY MINUTELY", list(range(24))),
    ("BYMINUTE", 0.2, "YEARLY MONTHLY WEEKLY DAILY HOURLY", [0, 15, 30, 45]),
    ("BYSETPOS", 0.2, "YEARLY MONTHLY WEEKLY DAILY HOURLY", [-1, 1]),
]


def random_rule(chance: random.Random) -> tuple[str, datetime]:
    frequency = chance.choice(["YEARLY", "MONTHLY", "WEEKLY", "WEEKLY", "DAILY", "DAILY", "HOURLY", "MINUTELY"])
    parts = {"FREQ": frequency, "INTERVAL": str(chance.randint(1, 7) * (97 if frequency == "MINUTELY" else 1))}
    for name, share, frequencies, values in PARTS:
        if chance.random() < share and frequency in frequencies.split():
            parts[name] = some(chance, values)
    if chance.random() < 0.4:
        parts["BYDAY"] = weekdays(chance, frequency)
    if chance.random() < 0.2 and frequency == "YEARLY":  # dateutil takes all days of a week, we the first one's weekday
        parts |= {"BYWEEKNO": some(chance, [1, 2, 20, 52, 53, -1]), "BYDAY": chance.choice(DAYS)}
    if chance.random() < 0.3:
        parts["WKST"] = chance.choice(DAYS)
    if chance.random() < 0.3:
        parts["COUNT"] = str(chance.randint(1, 400))
    if parts.keys() <= {"FREQ", "INTERVAL", "BYSETPOS", "WKST", "COUNT"}:
        parts.pop("BYSETPOS", None)  # only valid with another BY part
    first_year = 2026 if frequency in ("HOURLY", "MINUTELY") else 2018  # dateutil counts from the start
    start = wall(chance.randint(first_year, 2027), chance.randint(1, 12), chance.randint(1, 28), 9, 15)
    return ";".join(f"{name}={value}" for name, value in parts.items()), start


@pytest.mark.parametrize("seed", range(20))
def test_rules_give_what_dateutil_gives(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        text, start = random_rule(chance)
        rule = parse_rule(text, unclear := Counter[str]())
        assert rule
        assert not unclear
        expected = []
        for moment in islice(rrulestr(text, dtstart=start), 100_000):
            if moment > LAST:
                break
            if moment >= FIRST:
                expected.append(moment)
        assert list(occurrences(rule, start, FIRST, LAST)) == expected, (text, start)


def library_busy(content: bytes) -> list[tuple[datetime, datetime]]:
    start, end = FIRST.replace(tzinfo=UTC), LAST.replace(tzinfo=UTC)
    events = recurring_ical_events.of(Calendar.from_ical(content)).between(start, end)
    busy = [event for event in events if event.get("STATUS") != "CANCELLED"]
    return clip([(event.start.astimezone(UTC), event.end.astimezone(UTC)) for event in busy], start, end)


def random_series(chance: random.Random) -> bytes:
    zone = ZoneInfo(chance.choice(["Europe/Copenhagen", "America/New_York", "Asia/Tokyo"]))
    start = datetime(2026, chance.randint(1, 12), chance.randint(1, 28), chance.randint(5, 20), tzinfo=zone)
    step = chance.choice([1, 2, 7])
    rule = f"FREQ=DAILY;INTERVAL={step}"

    def local(moment: datetime) -> str:
        return f";TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"

    days = [start + timedelta(days=step * n) for n in range(365)]
    later = [day for day in days if day.year == 2027]
    chosen = chance.sample(later, 4)
    series = f"UID:s\nDTSTART{local(start)}\nDURATION:PT{chance.randint(1, 4)}H\nRRULE:{rule}"
    series += "".join(f"\nEXDATE{local(day)}" for day in chosen[:2])
    moved = chosen[2] + timedelta(hours=chance.randint(-30, 30))
    events = [
        series,
        f"UID:s\nRECURRENCE-ID{local(chosen[2])}\nDTSTART{local(moved)}\nDURATION:PT2H",
        f"UID:s\nRECURRENCE-ID{local(chosen[3])}\nDTSTART{local(chosen[3])}\nDURATION:PT2H\nSTATUS:CANCELLED",
        f"DTSTART{local(chosen[0])}\nDTEND{local(chosen[0] + timedelta(hours=3))}",
    ]
    chance.shuffle(events)
    return calendar(*events)


@pytest.mark.parametrize("seed", range(20))
def test_series_give_what_recurring_ical_events_gives(seed: int) -> None:
    content = random_series(random.Random(seed))
    start, end = FIRST.replace(tzinfo=UTC), LAST.replace(tzinfo=UTC)
    assert clip(read(content).busy, start, end) == library_busy(content)
