"""Windows expanded from hours, holidays and time off, on days with and without a clock change."""

from datetime import UTC, date, datetime, time

from services.calendar.hours.expansion import Hours, Rules, danish_holidays, expand
from services.calendar.intervals import Interval

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
SUNDAY = 6
LONG_AGO = date(2020, 1, 1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(day: date, *parts: tuple[str, str], off: tuple[Interval, ...] = ()) -> list[Interval]:
    rows = [Hours(day.weekday(), time.fromisoformat(a), time.fromisoformat(b), LONG_AGO) for a, b in parts]
    return expand(Rules(rows, off=off), day, 1)[day].windows


class TestExpansion:
    def test_hours_keep_their_wall_clock_time_over_the_spring_change(self) -> None:
        assert on(date(2026, 3, 28), ("09:00", "17:00")) == [(utc("2026-03-28T08:00"), utc("2026-03-28T16:00"))]
        assert on(SPRING, ("09:00", "17:00")) == [(utc("2026-03-29T07:00"), utc("2026-03-29T15:00"))]

    def test_a_skipped_opening_is_the_first_instant_after_the_gap(self) -> None:
        assert on(SPRING, ("02:30", "05:00")) == [(utc("2026-03-29T01:00"), utc("2026-03-29T03:00"))]

    def test_a_skipped_closing_is_the_same_instant(self) -> None:
        assert on(SPRING, ("01:00", "02:30")) == [(utc("2026-03-29T00:00"), utc("2026-03-29T01:00"))]

    def test_hours_within_the_skipped_hour_give_no_window(self) -> None:
        assert on(SPRING, ("02:10", "02:50")) == []

    def test_hours_keep_their_wall_clock_time_over_the_autumn_change(self) -> None:
        assert on(date(2026, 10, 24), ("09:00", "17:00")) == [(utc("2026-10-24T07:00"), utc("2026-10-24T15:00"))]
        assert on(AUTUMN, ("09:00", "17:00")) == [(utc("2026-10-25T08:00"), utc("2026-10-25T16:00"))]

    def test_a_repeated_hour_is_open_both_times(self) -> None:
        assert on(AUTUMN, ("02:15", "02:45")) == [(utc("2026-10-25T00:15"), utc("2026-10-25T01:45"))]

    def test_a_leap_day_has_windows(self) -> None:
        assert on(date(2028, 2, 29), ("09:00", "17:00")) == [(utc("2028-02-29T08:00"), utc("2028-02-29T16:00"))]

    def test_a_holiday_is_closed(self) -> None:
        assert on(date(2026, 12, 25), ("09:00", "17:00")) == []
        assert "2026-04-06" in {day.isoformat() for day in danish_holidays(2026)}

    def test_touching_hours_are_merged(self) -> None:
        expected = [(utc("2026-03-02T08:00"), utc("2026-03-02T16:00"))]
        assert on(date(2026, 3, 2), ("12:00", "17:00"), ("09:00", "12:00"), ("10:00", "11:00")) == expected

    def test_time_off_is_cut_out(self) -> None:
        off = ((utc("2026-03-02T10:00"), utc("2026-03-02T11:00")),)
        assert on(date(2026, 3, 2), ("09:00", "17:00"), off=off) == [
            (utc("2026-03-02T08:00"), utc("2026-03-02T10:00")),
            (utc("2026-03-02T11:00"), utc("2026-03-02T16:00")),
        ]

    def test_validity_includes_both_ends(self) -> None:
        row = Hours(SUNDAY, time(9), time(17), date(2026, 6, 7), date(2026, 6, 14))
        opened = expand(Rules([row]), date(2026, 5, 31), 22)
        assert [day.isoformat() for day, open_day in opened.items() if open_day.windows] == ["2026-06-07", "2026-06-14"]
