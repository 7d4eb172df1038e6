"""Lists the occurrences of a recurrence rule in a period. The work is bounded by the period, not by the rule's age.

Times are on the wall clock. Periods of the rule that end before the wanted ones are skipped by arithmetic, except for a
rule with COUNT, which is counted from its start.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby, product

from services.calendar.ics.days import DAY, Test, fits, with_defaults
from services.calendar.ics.rules import DAILY, MONTHLY, UNITS, WEEKLY, YEARLY, Rule
from services.calendar.ics.values import FOREVER

MAX_STEPS = 100_000  # days and times that are looked at for one rule
STEPS = {DAILY: DAY, WEEKLY: 7 * DAY} | {name: timedelta(seconds=seconds) for name, seconds in UNITS.items()}
EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 - on no zone's clock
LAST_DAY = date(9999, 12, 1)


class TooManyError(Exception):
    """The rule gives more times than may be looked at."""


def occurrences(rule: Rule, start: datetime, first: datetime, last: datetime) -> Iterator[datetime]:
    """Those from `first` to `last`, ascending. Raises TooManyError."""
    count = rule.count
    if count and rule.is_plain and rule.frequency in STEPS:
        last = min(last, _later(start, STEPS[rule.frequency] * rule.interval, count - 1))
        count = None
    begin = start if count else max(start, first)
    for occurrence in _from(rule, start, begin, last):
        if occurrence < start:
            continue
        if occurrence > last or count == 0:
            return
        count = count and count - 1
        if occurrence >= first:
            yield occurrence


def _later(start: datetime, step: timedelta, times: int) -> datetime:
    try:
        return start + step * times
    except OverflowError:
        return FOREVER


def _from(rule: Rule, start: datetime, begin: datetime, last: datetime) -> Iterator[datetime]:
    """From a little before `begin` to a little after `last`."""
    if last < begin:
        return
    steps = _Steps()
    if rule.frequency in UNITS:
        groups = _short_periods(rule, start, begin, last, steps)
    else:
        groups = _long_periods(rule, start, begin, last, steps)
    for group in groups:
        if rule.positions:
            yield from _at_positions(list(group), rule.positions)
        else:
            yield from group


class _Steps:
    """Counts what was looked at. Raises TooManyError."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def take(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise TooManyError


def _at_positions(times: list[datetime], positions: Iterable[int]) -> list[datetime]:
    length = len(times)
    wanted = {n - 1 if n > 0 else length + n for n in positions}
    return [times[n] for n in sorted(wanted) if 0 <= n < length]


def _long_periods(
    rule: Rule, start: datetime, begin: datetime, last: datetime, steps: _Steps
) -> Iterator[Iterable[datetime]]:
    """The times of each day, week, month or year of the rule."""
    rule = with_defaults(rule, start.date())
    test = fits(rule)
    times = _times_of_day(rule, start)
    for period in _periods(rule, start.date(), begin.date(), last.date()):
        steps.take(len(period) or 1)
        days = [day for day in period if test(day)]
        steps.take(len(days) * len(times))
        yield (datetime.combine(day, clock) for day in days for clock in times)


def _times_of_day(rule: Rule, start: datetime) -> list[time]:
    hours, minutes, seconds = rule.hours or (start.hour,), rule.minutes or (start.minute,), rule.seconds
    seconds = tuple(sorted({min(second, 59) for second in seconds})) or (start.second,)
    return [time(*clock) for clock in product(hours, minutes, seconds)]


def _periods(rule: Rule, start: date, begin: date, last: date) -> Iterator[list[date]]:
    """The days of each period that reaches into begin..last."""
    last = min(last, LAST_DAY)
    if rule.frequency in (YEARLY, MONTHLY):
        yield from _years_or_months(rule, start, begin, last)
        return
    length = 7 if rule.frequency == WEEKLY else 1
    day = start.toordinal() - ((start.weekday() - rule.week_start) % 7 if length == 7 else 0)
    step = length * rule.interval
    day += max(0, (begin.toordinal() - day) // step) * step
    for ordinal in range(day, last.toordinal() + 1, step):
        yield [date.fromordinal(max(1, n)) for n in range(ordinal, ordinal + length)]


def _years_or_months(rule: Rule, start: date, begin: date, last: date) -> Iterator[list[date]]:
    yearly = rule.frequency == YEARLY
    months = rule.months or tuple(range(1, 13))
    unit = 12 if yearly else 1
    index = 12 * start.year if yearly else 12 * start.year + start.month - 1
    step = unit * rule.interval
    index += max(0, (12 * begin.year + begin.month - 1 - index) // step) * step
    for number in range(index, 12 * last.year + last.month, step):
        year, month = divmod(number, 12)
        yield [day for n in (months if yearly else (month + 1,)) for day in _days_of_month(year, n)]


def _days_of_month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    return [date.fromordinal(n) for n in range(first.toordinal(), following.toordinal())]


def _short_periods(
    rule: Rule, start: datetime, begin: datetime, last: datetime, steps: _Steps
) -> Iterator[Iterable[datetime]]:
    """The times in each hour, minute or second of the rule: by day if few times of a day fit, otherwise by period."""
    unit = UNITS[rule.frequency]
    if rule.frequency == "HOURLY":
        rule = replace(rule, minutes=rule.minutes or (start.minute,))
    if rule.frequency != "SECONDLY":
        rule = replace(rule, seconds=rule.seconds or (start.second,))
    per_day = len(rule.hours or range(24)) * len(rule.minutes or range(60)) * len(rule.seconds or range(60))
    if per_day * ((last - begin).days + 1) <= MAX_STEPS:
        candidates = _by_day(rule, begin, last)
    else:
        if not rule.count and (last - begin).total_seconds() / (unit * rule.interval) > MAX_STEPS:
            raise TooManyError
        candidates = _by_period(rule, start, begin, last, steps)
    offset = _seconds(start) // unit

    def period(moment: datetime) -> int:
        return (_seconds(moment) // unit - offset) // rule.interval

    in_turn = (moment for moment in candidates if (_seconds(moment) // unit - offset) % rule.interval == 0)
    for _, group in groupby(in_turn, period):
        times = list(group)
        steps.take(len(times))
        yield times


def _by_day(rule: Rule, begin: datetime, last: datetime) -> Iterator[datetime]:
    test = fits(rule)
    seconds = sorted({min(second, 59) for second in rule.seconds}) or range(60)
    clocks = [time(*clock) for clock in product(rule.hours or range(24), rule.minutes or range(60), seconds)]
    for ordinal in range(begin.toordinal(), min(last.date(), LAST_DAY).toordinal() + 1):
        day = date.fromordinal(ordinal)
        if test(day):
            yield from (datetime.combine(day, clock) for clock in clocks)


def _by_period(rule: Rule, start: datetime, begin: datetime, last: datetime, steps: _Steps) -> Iterator[datetime]:
    unit, test = UNITS[rule.frequency], _remembering(fits(rule))
    step = unit * rule.interval
    number = _seconds(start) // unit * unit
    number += max(0, (_seconds(begin) - number) // step) * step
    for second in range(number, _seconds(last) + 1, step):
        steps.take(1)
        moment = EPOCH + timedelta(seconds=second)
        if not (test(moment.date()) and (not rule.hours or moment.hour in rule.hours)):
            continue
        minutes = rule.minutes if unit == 3600 else (moment.minute,)
        seconds = rule.seconds if unit > 1 else (moment.second,)
        for minute, of_minute in product(minutes, seconds):
            if (not rule.minutes or minute in rule.minutes) and (not rule.seconds or of_minute in rule.seconds):
                yield moment.replace(minute=minute, second=min(of_minute, 59))


def _remembering(test: Test) -> Test:
    days: dict[date, bool] = {}

    def remembered(day: date) -> bool:
        if day not in days:
            days[day] = test(day)
        return days[day]

    return remembered


def _seconds(moment: datetime) -> int:
    return (moment.toordinal() - 1) * 86_400 + moment.hour * 3600 + moment.minute * 60 + moment.second
