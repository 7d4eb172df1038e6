"""What is understood of a calendar only in part blocks too much rather than too little, and is reported."""

import pytest

from services.calendar.tests.reading import busy, calendar, read

CPH = "TZID=Europe/Copenhagen"
TEN = f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:20270104T110000"
AT_TEN = "4 Jan 10:00/11:00"
DAILY = f"UID:s\nDTSTART;{CPH}:20270104T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY"
THREE = [AT_TEN, "5 Jan 10:00/11:00", "6 Jan 10:00/11:00"]
UNKNOWN = "TZID=Atlantis/Capital"
FREE_BUSY = "BEGIN:VFREEBUSY\nUID:f\n{}\nEND:VFREEBUSY\n"


class TestExclusions:
    @pytest.mark.parametrize(
        "rule",
        [
            *("FREQ=DAILY;BYDAY=XX", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;UNTIL=later", "FREQ=DAILY;COUNT=some"),
            *("FREQ=FORTNIGHTLY", "FREQ=DAILY;COUNT=1;COUNT=3", "FREQ=DAILY;SKIP=FORWARD"),
        ],
    )
    def test_a_rule_that_is_not_understood_in_full_excludes_nothing(self, rule: str) -> None:
        reading = read(calendar(f"{DAILY};COUNT=3\nEXRULE:{rule}"))
        assert (busy(reading), reading.counts) == (THREE, {"unclear_rule": 1})

    def test_a_rule_that_cannot_be_counted_to_its_end_excludes_nothing(self) -> None:
        since = f"UID:s\nDTSTART;{CPH}:17000104T100000\nDURATION:PT1H\nRRULE:FREQ=YEARLY"
        exclusion = "EXRULE:FREQ=DAILY;BYHOUR=10;COUNT=110000"
        reading = read(calendar(f"{since}\n{exclusion}"))
        assert (busy(reading), reading.counts) == ([AT_TEN, "4 Jan 10:00/11:00"], {"unclear_rule": 1})

    def test_a_time_in_an_unknown_zone_excludes_nothing(self) -> None:
        reading = read(calendar(f"{DAILY};COUNT=3\nEXDATE;{UNKNOWN}:20270105T100000"))
        assert (busy(reading), reading.counts) == (THREE, {"unclear_rule": 1})

    def test_unless_it_is_the_zone_of_the_event(self) -> None:
        event = f"{DAILY};COUNT=3\nEXDATE;{CPH}:20270105T100000".replace(CPH, UNKNOWN)
        reading = read(calendar(event))
        assert (busy(reading), reading.counts) == ([THREE[0], THREE[2]], {"unknown_time_zone": 1})

    @pytest.mark.parametrize("range_", ["", "RANGE=THISANDFUTURE;"])
    def test_a_recurrence_in_an_unknown_zone_is_not_cancelled(self, range_: str) -> None:
        cancelled = f"UID:s\nRECURRENCE-ID;{range_}{UNKNOWN}:20270105T100000\nSTATUS:CANCELLED"
        reading = read(calendar(f"{DAILY};COUNT=3", cancelled))
        assert (busy(reading), reading.counts) == (THREE, {"unclear_rule": 1})


class TestRules:
    @pytest.mark.parametrize("part", ["INTERVAL=0", "BYDAY=XX", "SKIP=BACKWARD", "WKST=XX"])
    def test_recurrences_that_may_lie_farther_apart_are_not_counted(self, part: str) -> None:
        reading = read(calendar(f"{DAILY};COUNT=3;{part}"))
        assert len(busy(reading)) > 365
        assert reading.counts == {"unclear_rule": 1}

    @pytest.mark.parametrize("parts", ["COUNT=3;COUNT=1", "UNTIL=20270110;UNTIL=20270105", "INTERVAL=2;INTERVAL=9"])
    def test_a_part_that_contradicts_itself_limits_nothing(self, parts: str) -> None:
        reading = read(calendar(f"{DAILY};{parts}"))
        assert len(busy(reading)) > 365
        assert reading.counts == {"unclear_rule": 1}

    def test_a_part_may_be_repeated(self) -> None:
        reading = read(calendar(f"{DAILY};COUNT=3;COUNT=3"))
        assert (busy(reading), reading.counts) == (THREE, {})

    @pytest.mark.parametrize("rule", ["FREQ=MONTHLY;BYDAY=6MO", "FREQ=YEARLY;BYDAY=-54MO"])
    def test_a_weekday_that_does_not_exist_is_reported(self, rule: str) -> None:
        assert read(calendar(f"{TEN}\nRRULE:{rule}")).counts == {"unclear_rule": 1}

    def test_frequencies_that_contradict_each_other_are_reported(self) -> None:
        reading = read(calendar(f"{TEN}\nRRULE:FREQ=WEEKLY;FREQ=DAILY"))
        assert (busy(reading), reading.counts) == ([AT_TEN], {"unclear_rule": 1})


class TestAddedTimes:
    @pytest.mark.parametrize(
        ("periods", "expected"),
        [
            ("20270104T090000Z/PT3H", ["4 Jan 10:00/13:00"]),
            ("20270105T090000Z/PT1H,20270105T090000Z/PT3H", [AT_TEN, "5 Jan 10:00/13:00"]),
        ],
    )
    def test_of_periods_that_begin_together_the_longest_is_busy(self, periods: str, expected: list[str]) -> None:
        reading = read(calendar(f"{TEN}\nRDATE;VALUE=PERIOD:{periods}"))
        assert (busy(reading), reading.counts) == (expected, {})

    def test_an_unknown_zone_is_reported(self) -> None:
        reading = read(calendar(f"{TEN}\nRDATE;{UNKNOWN}:20270105T100000"))
        assert (busy(reading), reading.counts) == (THREE[:2], {"unknown_time_zone": 1})

    def test_an_unknown_zone_of_a_busy_period_is_reported(self) -> None:
        reading = read(calendar(before=FREE_BUSY.format(f"FREEBUSY;{UNKNOWN}:20270104T100000/PT1H")))
        assert (busy(reading), reading.counts) == ([AT_TEN], {"unknown_time_zone": 1})

    def test_a_period_that_ends_before_it_starts_is_busy_from_there(self) -> None:
        reading = read(calendar(before=FREE_BUSY.format("FREEBUSY:20270104T100000Z/20270104T090000Z")))
        assert (busy(reading), reading.counts) == (["4 Jan 10:00/5 Jan 00:00"], {"unclear_period": 1})


class TestOverrides:
    @pytest.mark.parametrize(
        ("range_", "expected"),
        [
            ("", [AT_TEN, "5 Jan 15:00/16:00", THREE[2]]),
            ("RANGE=THISANDFUTURE;", [AT_TEN, "5 Jan 15:00/16:00", "6 Jan 15:00/16:00"]),
        ],
    )
    @pytest.mark.parametrize("length", ["DURATION:PT1H", f"DTEND;{CPH}:20270104T110000"])
    def test_without_an_end_they_are_as_long_as_the_series(self, length: str, range_: str, expected: list[str]) -> None:
        moved = f"UID:s\nRECURRENCE-ID;{range_}{CPH}:20270105T100000\nDTSTART;{CPH}:20270105T150000"
        reading = read(calendar(f"{DAILY};COUNT=3".replace("DURATION:PT1H", length), moved))
        assert (busy(reading), reading.counts) == (expected, {})


class TestAvailability:
    @pytest.mark.parametrize(
        "contradiction",
        [
            *("STATUS:CANCELLED\nSTATUS:CONFIRMED", "TRANSP:TRANSPARENT\nTRANSP:OPAQUE"),
            "X-MICROSOFT-CDO-BUSYSTATUS:FREE\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        ],
    )
    def test_of_two_values_that_contradict_each_other_the_busy_one_counts(self, contradiction: str) -> None:
        for lines in (contradiction, "\n".join(reversed(contradiction.split("\n")))):
            assert busy(read(calendar(f"{TEN}\n{lines}"))) == [AT_TEN]
