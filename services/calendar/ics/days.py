"""Which days a recurrence rule fits, whatever its interval."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from services.calendar.ics.rules import MONTHLY, WEEKLY, YEARLY, Numbers, Rule

Test = Callable[[date], bool]
DAY = timedelta(days=1)


def with_defaults(rule: Rule, start: date) -> Rule:
    """Takes from the first day what the rule does not say."""
    if rule.weeks and not (rule.weekdays or rule.month_days or rule.year_days):
        return replace(rule, weekdays=((0, start.weekday()),))
    if rule.weekdays or rule.month_days or rule.year_days:
        return rule
    if rule.frequency == YEARLY:
        return replace(rule, months=rule.months or (start.month,), month_days=(start.day,))
    if rule.frequency == MONTHLY:
        return replace(rule, month_days=(start.day,))
    if rule.frequency == WEEKLY:
        return replace(rule, weekdays=((0, start.weekday()),))
    return rule


def fits(rule: Rule) -> Test:
    tests: list[Test] = []
    if rule.months:
        months = frozenset(rule.months)
        tests.append(lambda day: day.month in months)
    if rule.month_days:
        tests.append(lambda day: _is_in(rule.month_days, day.day, monthrange(day.year, day.month)[1]))
    if rule.year_days:
        tests.append(lambda day: _is_in(rule.year_days, day.timetuple().tm_yday, _year_length(day.year)))
    if rule.weeks:
        tests.append(lambda day: _is_in(rule.weeks, *_week(day, rule.week_start)))
    if rule.weekdays:
        tests.append(_weekday_test(rule))
    if len(tests) == 1:
        return tests[0]
    return lambda day: all(test(day) for test in tests)


def _is_in(numbers: Numbers, number: int, last: int) -> bool:
    """Whether it is listed, counted from the first or, as a negative number, from the last."""
    return number in numbers or number - last - 1 in numbers


def _year_length(year: int) -> int:
    return 366 if monthrange(year, 2)[1] == 29 else 365


def _week(day: date, week_start: int) -> tuple[int, int]:
    """The number of the day's week, and of the last week of the year that this week belongs to."""
    year = day.year
    if day < _first_week(year, week_start):
        year -= 1
    elif year < date.max.year and day >= _first_week(year + 1, week_start):
        year += 1
    first = _first_week(year, week_start)
    following = _first_week(year + 1, week_start) if year < date.max.year else date.max
    return (day - first).days // 7 + 1, (following - first).days // 7


def _first_week(year: int, week_start: int) -> date:
    fourth = date(max(year, 1), 1, 4)
    return fourth - timedelta(days=(fourth.weekday() - week_start) % 7)


def _weekday_test(rule: Rule) -> Test:
    plain = frozenset(weekday for ordinal, weekday in rule.weekdays if ordinal == 0)
    ordinals = frozenset(pair for pair in rule.weekdays if pair[0] != 0)
    if not ordinals:
        return lambda day: day.weekday() in plain
    in_month = rule.frequency == MONTHLY or bool(rule.months)

    def test(day: date) -> bool:
        weekday = day.weekday()
        if weekday in plain:
            return True
        number = day.day if in_month else day.timetuple().tm_yday
        last = monthrange(day.year, day.month)[1] if in_month else _year_length(day.year)
        return ((number - 1) // 7 + 1, weekday) in ordinals or (-((last - number) // 7) - 1, weekday) in ordinals

    return test
