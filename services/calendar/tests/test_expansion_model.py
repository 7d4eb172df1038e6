"""Windows against a slow reference that looks at every minute of a day, over random rules and both clock changes.

An opening that does not end after it begins ends on the next day, where it is taken out of that day's own openings.
"""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.clock import COPENHAGEN, to_utc
from services.calendar.hours.expansion import MAX_WINDOWS, ClockTimes, Hours, OpenDay, Rules, danish_holidays, expand
from services.calendar.intervals import Interval, clip, merge, overlapping, subtract
from services.calendar.local_time import day_bounds

MINUTE = timedelta(minutes=1)
LONG_AGO = date(2020, 1, 1)
SPRING, AUTUMN, LEAP_DAY, CHRISTMAS = date(2026, 3, 29), date(2026, 10, 25), date(2028, 2, 29), date(2026, 12, 25)
HOURS_OF_DAY = {SPRING: 23, AUTUMN: 25}

days = st.one_of(
    st.sampled_from([SPRING, AUTUMN, LEAP_DAY, CHRISTMAS, date(2027, 3, 28), date(2027, 10, 31)]),
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
)
near_the_change = st.integers(0, 5 * 60)
clocks = st.one_of(near_the_change, st.integers(0, 24 * 60 - 1)).map(lambda n: time(n // 60, n % 60))
pairs = st.one_of(
    st.tuples(clocks, clocks).filter(lambda pair: pair[0] < pair[1]),
    st.tuples(clocks, near_the_change.map(lambda n: time(n // 60, n % 60))).filter(lambda pair: pair[0] > pair[1]),
    st.tuples(clocks, st.just(time())),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[date, Rules]:
    day = draw(days)
    start = day_bounds(day)[0]
    minutes = st.integers(-120, 26 * 60)
    spans = st.tuples(minutes, minutes).map(sorted).map(lambda two: (start + two[0] * MINUTE, start + two[1] * MINUTE))
    before = day - timedelta(days=1)
    weekdays = st.sampled_from([day.weekday(), day.weekday(), before.weekday(), (day.weekday() + 1) % 7])
    validity = st.sampled_from(
        [(LONG_AGO, None), (day, day), (day + timedelta(days=1), None), (LONG_AGO, LONG_AGO), (LONG_AGO, before)]
    )
    row = st.builds(lambda w, p, v: Hours(w, p[0], p[1], v[0], v[1]), weekdays, pairs, validity)
    overrides = {local_date: draw(st.one_of(st.none(), st.lists(pairs, max_size=3))) for local_date in (before, day)}
    return day, Rules(
        hours=draw(st.lists(row, max_size=4)),
        overrides={local_date: openings for local_date, openings in overrides.items() if openings is not None},
        off=draw(st.lists(spans, max_size=3)),
        busy=draw(st.lists(spans, max_size=3)),
    )


def minutes_of(day: date) -> list[datetime]:
    """Every minute of the date on a clock in Copenhagen, found by converting each minute around it."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    around = (noon + n * MINUTE for n in range(-15 * 60, 15 * 60))
    return [instant for instant in around if instant.astimezone(COPENHAGEN).date() == day]


def opened_at(day: date, openings: ClockTimes) -> set[datetime]:
    """From the first minute at or after the opening time to the last before the closing time.

    Of a closing time that comes twice, the second counts.
    """
    open_minutes: set[datetime] = set()
    today, tomorrow = minutes_of(day), minutes_of(day + timedelta(days=1))
    for starts, ends in openings:
        first = next((n for n, minute in enumerate(today) if clock(minute) >= starts), len(today))
        closing_day, passed = (today, 0) if ends > starts else (tomorrow, len(today))
        closings = [n for n, minute in enumerate(closing_day) if clock(minute) == ends]
        before = [n for n, minute in enumerate(closing_day) if clock(minute) < ends]
        last = passed + (max(closings) if closings else max(before, default=-1) + 1)
        open_minutes.update((today + tomorrow)[first:last])
    return open_minutes


def clock(instant: datetime) -> time:
    return instant.astimezone(COPENHAGEN).time()


def opening(day: date, rules: Rules) -> tuple[set[datetime], str | None]:
    usual = opened_at(day, [(hours.starts, hours.ends) for hours in rules.hours if hours.holds_on(day)])
    if day in rules.overrides:
        return opened_at(day, rules.overrides[day]), "override"
    if usual and day in danish_holidays(day.year):
        return set(), "holiday"
    return usual, None


def reference(day: date, rules: Rules) -> tuple[set[datetime], str | None]:
    whole, cause = opening(day, rules)
    opened = whole - opening(day - timedelta(days=1), rules)[0]
    taken = [*rules.off, *rules.busy]
    left = {minute for minute in opened if not any(start <= minute < end for start, end in taken)}
    if left:
        return left, None
    return left, "time_off" if opened else None if whole else cause


def minutes_in(windows: list[Interval]) -> list[datetime]:
    return [start + n * MINUTE for start, end in windows for n in range(round((end - start) / MINUTE))]


class TestExpansion:
    @settings(max_examples=150, deadline=None)
    @given(cases())
    @example((SPRING, Rules([Hours(6, time(2, 30), time(5), LONG_AGO)])))
    @example((AUTUMN, Rules([Hours(6, time(2, 30), time(2, 45), LONG_AGO)])))
    @example((AUTUMN, Rules([Hours(6, time(0), time(2), LONG_AGO)])))
    @example((SPRING, Rules([Hours(5, time(22), time(2, 30), LONG_AGO)])))
    @example((SPRING, Rules([Hours(5, time(22), time(2, 30), LONG_AGO), Hours(6, time(0), time(6), LONG_AGO)])))
    @example((AUTUMN, Rules([Hours(6, time(22), time(2), LONG_AGO), Hours(6, time(2), time(4), LONG_AGO)])))
    @example((AUTUMN, Rules([Hours(5, time(22), time(2, 30), LONG_AGO), Hours(6, time(2), time(0), LONG_AGO)])))
    @example((CHRISTMAS, Rules([Hours(4, time(9), time(17), LONG_AGO)])))
    @example((CHRISTMAS, Rules([Hours(3, time(22), time(2), LONG_AGO), Hours(4, time(22), time(2), LONG_AGO)])))
    @example((CHRISTMAS, Rules([Hours(4, time(9), time(17), LONG_AGO)], {CHRISTMAS: [(time(10), time(12))]})))
    def test_windows_equal_those_of_the_slow_reference(self, case: tuple[date, Rules]) -> None:
        day, rules = case
        opened: OpenDay = expand(rules, day, 1)[day]
        minutes, closed_for = reference(day, rules)
        expected = sorted(minutes)  # in order and none twice: no overlap, and the right length
        assert minutes_in(opened.windows) == expected
        assert opened.closed_for == closed_for

    @settings(max_examples=150, deadline=None)
    @given(cases())
    def test_windows_do_not_begin_before_their_day_and_never_overlap(self, case: tuple[date, Rules]) -> None:
        day, rules = case
        days_before: datetime = day_bounds(day - timedelta(days=1))[0]
        for local_date, opened in expand(rules, day - timedelta(days=1), 3).items():
            start, end = day_bounds(local_date)
            edges = [edge for window in opened.windows for edge in window]
            assert edges == sorted(set(edges))
            assert all(max(start, days_before) <= edge <= end + timedelta(days=1) for edge in edges)
            days_before = max([days_before, *edges])
            assert not (opened.windows and opened.closed_for)

    @settings(max_examples=100, deadline=None)
    @given(days)
    def test_days_follow_each_other_without_gap_or_overlap(self, day: date) -> None:
        start, end = day_bounds(day)
        assert end == day_bounds(day + timedelta(days=1))[0]
        assert len(minutes_of(day)) == round((end - start) / MINUTE)
        assert (end - start) / timedelta(hours=1) == HOURS_OF_DAY.get(day, 24) or day.month in {3, 10}

    @settings(max_examples=200, deadline=None)
    @given(days, clocks, clocks)
    def test_instants_are_in_the_order_of_the_clock(self, day: date, one: time, other: time) -> None:
        earlier, later = sorted((one, other))
        assert to_utc(day, earlier) <= to_utc(day, later)
        assert to_utc(day, earlier) <= to_utc(day, earlier, last=True)
        assert clock(to_utc(day, one)) == one or day.month == 3

    def test_a_day_with_too_many_windows_keeps_the_longest(self) -> None:
        day = date(2026, 3, 2)
        start = day_bounds(day)[0]
        busy = [(start + n * 5 * MINUTE, start + (n * 5 + 1 + n % 2) * MINUTE) for n in range(288)]
        (opened,) = expand(Rules([Hours(0, time(), time(23, 59), LONG_AGO)], busy=busy), day, 1).values()
        assert len(opened.windows) == MAX_WINDOWS
        assert opened.windows == sorted(opened.windows)
        assert min(b - a for a, b in opened.windows) >= 3 * MINUTE


whole = st.integers(0, 60)
START = datetime(2026, 1, 1, tzinfo=UTC)
some_spans = st.lists(
    st.tuples(whole, whole).map(sorted).map(lambda two: (START + two[0] * MINUTE, START + two[1] * MINUTE)), max_size=8
)


class TestIntervals:
    @given(some_spans, some_spans)
    def test_subtract_leaves_the_minutes_that_are_not_taken(self, parts: list[Interval], taken: list[Interval]) -> None:
        expected = set(minutes_in(parts)) - set(minutes_in(taken))
        assert minutes_in(subtract(parts, taken)) == sorted(expected)

    @given(some_spans, whole, whole)
    def test_overlapping_finds_the_intervals_that_reach_into_the_period(
        self, parts: list[Interval], a: int, b: int
    ) -> None:
        start, end = sorted((START + a * MINUTE, START + b * MINUTE))
        merged = merge(parts)
        assert list(overlapping(merged, start, end)) == [
            interval for interval in merged if interval[0] < end and interval[1] > start
        ]
        assert set(minutes_in(clip(parts, start, end))) == {m for m in minutes_in(merged) if start <= m < end}
