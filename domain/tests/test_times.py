"""Instants, days and times of day as callers write them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.times import Day, End, Instant, LocalTime, Start
from shared.http.validation_messages import message

NUMBERS = [1893456000, "1893456000", 1.5e9, "1.5e9", 0, True, False, "true", -1]
NOT_DATES = ["2026-12", "2026-W50", "2026-W50-1", "2026-350", "20261214", "2026-1-2", "14-12-2026", "i morgen", ""]
NO_SUCH_TIME = ["2026-02-30T10:00Z", "2026-12-14T24:00Z", "2026-12-14T10:60Z", "2026-12-14T10:00+25:00"]


def refusal(kind: Any, value: object) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (error,) = refused.value.errors()
    assert message(dict(error), "en") != message(dict(error), "da")
    return dict(error)


def read(kind: Any, value: str) -> Any:
    return TypeAdapter(kind).validate_python(value)


class TestNumbers:
    @pytest.mark.parametrize("value", NUMBERS + NOT_DATES + [None, [], {}])
    @pytest.mark.parametrize("kind", [Instant, Start, End, Day, LocalTime])
    def test_are_no_times(self, kind: Any, value: object) -> None:
        assert refusal(kind, value)["type"] in {"instant", "day", "clock_time"}

    @pytest.mark.parametrize("value", NO_SUCH_TIME)
    def test_a_time_that_does_not_exist_is_refused(self, value: str) -> None:
        assert refusal(Instant, value)["type"] == "instant"

    def test_a_date_is_no_instant_and_an_instant_no_date(self) -> None:
        assert refusal(Instant, "2026-12-14")["type"] == "instant"
        assert refusal(Day, "2026-12-14T00:00:00+01:00")["type"] == "day"

    @pytest.mark.parametrize("value", ["24:00", "10", "10:00:30", "10:00+01:00", "1000"])
    def test_a_time_of_day_has_hours_and_minutes(self, value: str) -> None:
        assert refusal(LocalTime, value)["type"] == "clock_time"
        assert read(LocalTime, "10:05") == time(10, 5)


class TestOffset:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-07-01T10:00:00+02:00",
            "2026-07-01T10:00+02:00",
            "2026-07-01T10:00:00+0200",
            "2026-07-01T10:00:00 02:00",  # "+" in a query that was not escaped
            "2026-07-01T08:00:00Z",
            "2026-07-01t08:00z",
            "2026-07-01 10:00",
            "2026-07-01T10:00:00.000",
        ],
    )
    def test_every_spelling_is_the_same_instant(self, text: str) -> None:
        assert read(Instant, text) == datetime(2026, 7, 1, 8, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["9999-12-31T23:59-23:00", "0001-01-01T00:00+23:00", "0001-01-01T00:00"])
    def test_a_time_far_away_is_refused(self, text: str) -> None:
        assert refusal(Instant, text)["type"] == "out_of_range"


class TestCopenhagen:
    def test_a_time_without_an_offset_is_by_the_clock_there(self) -> None:
        assert read(Instant, "2026-12-14T10:00") == datetime(2026, 12, 14, 9, tzinfo=UTC)

    def test_a_time_that_spring_skips_is_the_first_after_the_gap(self) -> None:
        assert read(Instant, "2026-03-29T02:30:20") == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_a_time_that_autumn_repeats_is_refused_with_both_instants(self) -> None:
        error = refusal(Instant, "2026-10-25T02:30")
        for language in ("da", "en"):
            text = message(error, language)
            assert "2026-10-25T02:30:00+02:00" in text
            assert "2026-10-25T02:30:00+01:00" in text

    def test_with_an_offset_it_is_taken(self) -> None:
        assert read(Instant, "2026-10-25T02:30+02:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert read(Instant, "2026-10-25T02:30+01:00") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


class TestBounds:
    def test_a_date_is_its_first_midnight_as_start_and_its_last_as_end(self) -> None:
        assert read(Start, "2026-12-14") == datetime(2026, 12, 13, 23, tzinfo=UTC)
        assert read(End, "2026-12-14") == datetime(2026, 12, 14, 23, tzinfo=UTC)

    def test_a_day_with_a_clock_change_has_its_own_length(self) -> None:
        assert read(End, "2026-03-29") - read(Start, "2026-03-29") == timedelta(hours=23)
        assert read(End, "2026-10-25") - read(Start, "2026-10-25") == timedelta(hours=25)

    def test_an_instant_is_itself(self) -> None:
        assert read(Start, "2026-12-14T10:00 01:00") == read(End, "2026-12-14T09:00Z")

    def test_days_outside_the_calendar_are_refused(self) -> None:
        assert refusal(Day, "1999-12-31")["type"] == refusal(Start, "2100-01-01")["type"] == "out_of_range"
        assert read(Day, "2099-12-31") == date(2099, 12, 31)
