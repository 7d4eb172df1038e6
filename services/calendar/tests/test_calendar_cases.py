"""Calendars as programs write them, well and badly: what is busy, and what the import says of the rest."""

from pathlib import Path

import pytest

from services.calendar.ics.problems import Refused
from services.calendar.tests.reading import busy, calendar, read

FILES = Path(__file__).parent / "calendars"
CPH = "TZID=Europe/Copenhagen"
TEN = f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:20270104T110000"
AT_TEN = ["4 Jan 10:00/11:00"]
DAY = "DTSTART;VALUE=DATE:20270302"
WHOLE_DAY = ["2 Mar 00:00/3 Mar 00:00"]
MONDAYS = ["7 Jun 00:00/8 Jun 00:00", "14 Jun 00:00/15 Jun 00:00", "21 Jun 00:00/22 Jun 00:00"]
WEEKLY = "DTSTART;VALUE=DATE:20270607\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL="
DAILY = f"DTSTART;{CPH}:20270104T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY"
THREE = ["4 Jan 10:00/11:00", "5 Jan 10:00/11:00", "6 Jan 10:00/11:00"]
NEW_YORK = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:DAYLIGHT
DTSTART:20070311T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
END:STANDARD
END:VTIMEZONE
"""
FREE_BUSY = "BEGIN:VFREEBUSY\nUID:f\n{}\nEND:VFREEBUSY\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bom_crlf", AT_TEN),
        ("sequence_bad", AT_TEN),
        ("outlook_weekly_allday_until_eve", MONDAYS),
        ("allday_end_equals_start", WHOLE_DAY),
        ("same_uid_different_events", ["16 Jul 19:30/23:30", "17 Jul 19:30/23:30", "18 Jul 19:30/23:30"]),
        ("vfreebusy_only", ["4 Jan 10:00/11:00", "11 Jan 10:00/11:00"]),
        ("tzid_empty", ["5 Jul 09:00/10:00"]),
        ("duration_exact_hours_spring", ["27 Mar 09:00/29 Mar 10:00"]),
    ],
)
def test_files_that_were_misread(name: str, expected: list[str]) -> None:
    reading = read((FILES / f"{name}.ics").read_bytes())
    assert (busy(reading), reading.counts) == (expected, {})


class TestLength:
    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            (DAY, WHOLE_DAY),
            (f"{DAY}\nDTEND;VALUE=DATE:20270302", WHOLE_DAY),
            (f"{DAY}\nDTEND;VALUE=DATE:20270304", ["2 Mar 00:00/4 Mar 00:00"]),
            (f"{DAY}\nDURATION:P2D", ["2 Mar 00:00/4 Mar 00:00"]),
            (f"{DAY}\nDURATION:PT0S", WHOLE_DAY),
            (f"{DAY}\nDURATION:P1W", ["2 Mar 00:00/9 Mar 00:00"]),
            ("DTSTART:20270302", WHOLE_DAY),
            ("DTSTART;VALUE=DATE:20270302T000000\nDTEND;VALUE=DATE:20270303T000000", WHOLE_DAY),
            (f"DTSTART;{CPH}:20270327T090000\nDURATION:PT48H", ["27 Mar 09:00/29 Mar 10:00"]),
            (f"DTSTART;{CPH}:20270327T090000\nDURATION:P2D", ["27 Mar 09:00/29 Mar 09:00"]),
            (f"DTSTART;{CPH}:20270327T090000\nDURATION:P1DT24H", ["27 Mar 09:00/29 Mar 09:00"]),
            (f"DTSTART;{CPH}:20271030T090000\nDURATION:PT48H", ["30 Oct 09:00/1 Nov 08:00"]),
            (f"DTSTART;{CPH}:20271030T090000\nDURATION:P2D", ["30 Oct 09:00/1 Nov 09:00"]),
            (f"DTSTART;{CPH}:20270327T090000\nDTEND;{CPH}:20270329T090000", ["27 Mar 09:00/29 Mar 09:00"]),
            (f"DTSTART;{CPH}:20270104T100000\nDURATION:PT1H30M", ["4 Jan 10:00/11:30"]),
            (f"DTSTART;{CPH}:20270104T100000\nDURATION:+PT90M", ["4 Jan 10:00/11:30"]),
            (f"DTSTART;{CPH}:20270104T1000\nDTEND;{CPH}:20270104T1100", AT_TEN),
            ("DTSTART:2027-01-04T10:00:00+01:00\nDTEND:2027-01-04T10:00:00Z", AT_TEN),
            ("DTSTART:20270104t090000z\nDTEND:20270104T110000+0100", AT_TEN),
            (f"DTSTART;{CPH}:20270104T230000\nDTEND;{CPH}:20270104T240000", ["4 Jan 23:00/5 Jan 00:00"]),
            (f"DTSTART;{CPH}:20270104T100000", []),
        ],
    )
    def test_an_event_lasts_as_long_as_it_says(self, event: str, expected: list[str]) -> None:
        reading = read(calendar(event))
        assert (busy(reading), reading.counts) == (expected, {})

    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            (f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:soon", ["4 Jan 10:00/5 Jan 00:00"]),
            (f"DTSTART;{CPH}:20270104T100000\nDURATION:an hour", ["4 Jan 10:00/5 Jan 00:00"]),
            (f"DTSTART;{CPH}:20270104T100000\nDURATION:-PT1H", ["4 Jan 10:00/5 Jan 00:00"]),
            (f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:20270104T090000", ["4 Jan 09:00/5 Jan 00:00"]),
            (f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:19700101T000000", ["4 Jan 00:00/5 Jan 00:00"]),
            (f"{DAY}\nDTEND;VALUE=DATE:20270228", WHOLE_DAY),
            (f"DTSTART:whenever\nDTEND;{CPH}:20270104T110000", ["4 Jan 00:00/11:00"]),
            (f"DTEND;{CPH}:20270104T110000", ["4 Jan 00:00/11:00"]),
        ],
    )
    def test_half_a_time_blocks_to_or_from_midnight(self, event: str, expected: list[str]) -> None:
        reading = read(calendar(event))
        assert (busy(reading), reading.counts) == (expected, {"unclear_time": 1})

    def test_an_event_that_ends_when_it_starts_blocks_nothing_and_is_reported(self) -> None:
        reading = read(calendar(f"DTSTART;{CPH}:20270104T100000\nDTEND;{CPH}:20270104T100000"))
        assert (busy(reading), reading.counts) == ([], {"no_length": 1})

    def test_an_event_without_a_time_is_reported_and_costs_no_other(self) -> None:
        reading = read(calendar("DTSTART:tomorrow", "DTSTART:01042027", "SUMMARY:Nothing", TEN))
        assert (busy(reading), reading.counts) == (AT_TEN, {"no_start": 3})


class TestEnds:
    """UNTIL and COUNT."""

    @pytest.mark.parametrize(
        "until",
        [
            *("20270621", "20270620T220000Z", "20270621T000000Z", "20270621T000000", "20270621T235959Z"),
            *("20270621T215959Z", "20270622T100000Z", "20270624T220000Z"),
        ],
    )
    def test_a_series_of_whole_days_ends_on_a_day_however_it_is_written(self, until: str) -> None:
        assert busy(read(calendar(WEEKLY + until))) == MONDAYS

    @pytest.mark.parametrize("until", ["20270620", "20270620T215959Z", "20270620T235959Z", "20270613T220000Z"])
    def test_and_not_a_day_later(self, until: str) -> None:
        assert busy(read(calendar(WEEKLY + until))) == MONDAYS[:2]

    def test_midnight_may_be_that_of_a_zone_in_the_calendar(self) -> None:
        zone = NEW_YORK.format(name="Eastern")
        assert busy(read(calendar(WEEKLY + "20270621T040000Z", before=zone))) == MONDAYS

    def test_in_winter_midnight_is_an_hour_later(self) -> None:
        event = "DTSTART;VALUE=DATE:20270104\nRRULE:FREQ=WEEKLY;UNTIL=20270110T230000Z"
        assert busy(read(calendar(event))) == ["4 Jan 00:00/5 Jan 00:00", "11 Jan 00:00/12 Jan 00:00"]

    @pytest.mark.parametrize(
        "until", ["20270106", "20270106T090000Z", "20270106T100000", "20270107T085959Z", "20270106T235959"]
    )
    def test_a_series_of_times_ends_as_it_says(self, until: str) -> None:
        assert busy(read(calendar(f"{DAILY};UNTIL={until}"))) == THREE

    @pytest.mark.parametrize("part", ["INTERVAL=0", "INTERVAL=x", "COUNT=0", "COUNT=-1", "UNTIL=later", "BYDAY=XX"])
    def test_a_part_that_is_not_understood_limits_nothing(self, part: str) -> None:
        reading = read(calendar(f"{DAILY};{part}"))
        assert busy(reading)[:3] == THREE
        assert len(reading.busy) > 365
        assert reading.counts == {"unclear_rule": 1}

    @pytest.mark.parametrize("rule", ["FREQ=FORTNIGHTLY", "INTERVAL=2", "W1 MO #10", "FREQ=DAILY;RSCALE=HEBREW"])
    def test_of_a_rule_that_is_not_understood_the_first_time_is_busy(self, rule: str) -> None:
        reading = read(calendar(f"{TEN}\nRRULE:{rule}"))
        assert (busy(reading), reading.counts) == (AT_TEN, {"unclear_rule": 1})

    def test_a_rule_whose_last_time_is_past_matters_no_more(self) -> None:
        event = f"DTSTART;{CPH}:20170104T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0;UNTIL=20180101T000000Z"
        reading = read(calendar(event, TEN))
        assert (busy(reading), reading.counts) == (AT_TEN, {})


class TestSeries:
    @pytest.mark.parametrize(
        "exclusion",
        [
            f"EXDATE;{CPH}:20270105T100000",
            "EXDATE:20270105T090000Z",
            "EXDATE;VALUE=DATE:20270105",
            "EXDATE:20270105T100000",
            "EXDATE;TZID=America/New_York:20270105T040000",
            "EXDATE;TZID=America/New_York:20261224T040000,20270105T040000",
            "EXRULE:FREQ=WEEKLY;BYDAY=TU",
            "RDATE:20270105T090000Z\nEXDATE:20270105T090000Z",
        ],
    )
    def test_excluded_times_are_free(self, exclusion: str) -> None:
        assert busy(read(calendar(f"{DAILY};COUNT=3\n{exclusion}"))) == [THREE[0], THREE[2]]

    def test_a_day_of_a_whole_day_series_is_excluded_by_its_date_or_its_midnight(self) -> None:
        for exclusion in ("EXDATE;VALUE=DATE:20270614", "EXDATE:20270613T220000Z", f"EXDATE;{CPH}:20270614T000000"):
            assert busy(read(calendar(f"{WEEKLY}20270621\n{exclusion}"))) == [MONDAYS[0], MONDAYS[2]]

    @pytest.mark.parametrize(
        ("dates", "expected"),
        [
            ("RDATE:20270106T120000Z", ["6 Jan 13:00/14:00"]),
            (f"RDATE;{CPH}:20270106T130000,20270107T130000", ["6 Jan 13:00/14:00", "7 Jan 13:00/14:00"]),
            ("RDATE;VALUE=PERIOD:20270106T120000Z/PT3H", ["6 Jan 13:00/16:00"]),
            ("RDATE;VALUE=PERIOD:20270106T120000Z/20270106T123000Z", ["6 Jan 13:00/13:30"]),
            ("RDATE;VALUE=DATE:20270106", ["6 Jan 00:00/7 Jan 00:00"]),
        ],
    )
    def test_added_times_are_busy(self, dates: str, expected: list[str]) -> None:
        assert busy(read(calendar(f"{TEN}\n{dates}"))) == AT_TEN + expected

    def test_an_added_time_that_cannot_be_read_is_reported(self) -> None:
        assert read(calendar(f"{TEN}\nRDATE:never")).counts == {"unclear_rule": 1}

    @pytest.mark.parametrize(
        ("override", "expected"),
        [
            (f"RECURRENCE-ID;{CPH}:20270105T100000\nDTSTART;{CPH}:20270105T150000\nDURATION:PT1H", "5 Jan 15:00/16:00"),
            (f"RECURRENCE-ID:20270105T090000Z\nDTSTART;{CPH}:20270105T150000\nDURATION:PT1H", "5 Jan 15:00/16:00"),
            (f"RECURRENCE-ID;VALUE=DATE:20270105\nDTSTART;{CPH}:20270105T150000\nDURATION:PT1H", "5 Jan 15:00/16:00"),
            ("RECURRENCE-ID:20270105T090000Z\nSTATUS:CANCELLED", None),
            (f"RECURRENCE-ID:20270105T090000Z\nTRANSP:TRANSPARENT\nDTSTART;{CPH}:20270105T100000", None),
            (f"RECURRENCE-ID:\nDTSTART;{CPH}:20270105T150000\nDURATION:PT1H", "5 Jan 10:00/11:00|5 Jan 15:00/16:00"),
        ],
    )
    def test_a_recurrence_can_be_moved_or_cancelled(self, override: str, expected: str | None) -> None:
        for events in (
            (f"UID:s\n{DAILY};COUNT=3", f"UID:s\n{override}"),
            (f"UID:s\n{override}", f"UID:s\n{DAILY};COUNT=3"),
        ):
            assert busy(read(calendar(*events))) == [THREE[0], *(expected.split("|") if expected else ()), THREE[2]]

    def test_an_override_without_its_series_is_busy(self) -> None:
        override = f"UID:s\nRECURRENCE-ID:20270105T090000Z\n{TEN}"
        assert busy(read(calendar(override))) == AT_TEN

    def test_this_and_all_later_recurrences_can_be_moved(self) -> None:
        series = f"UID:s\nDTSTART;{CPH}:20270104T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4"
        moved = (
            f"UID:s\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270105T090000Z\nDTSTART;{CPH}:20270105T120000\nDURATION:PT2H"
        )
        later = f"UID:s\nRECURRENCE-ID:20270106T090000Z\nDTSTART;{CPH}:20270106T080000\nDURATION:PT1H"
        expected = ["4 Jan 10:00/11:00", "5 Jan 12:00/14:00", "6 Jan 08:00/09:00", "7 Jan 12:00/14:00"]
        assert busy(read(calendar(series, moved, later))) == expected

    def test_this_and_all_later_recurrences_can_be_cancelled(self) -> None:
        cancelled = "UID:s\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270106T090000Z\nSTATUS:CANCELLED"
        assert busy(read(calendar(f"UID:s\n{DAILY}", cancelled))) == THREE[:2]

    def test_of_an_override_the_newest_revision_counts(self) -> None:
        series = f"UID:s\n{DAILY};COUNT=2"
        moves = [
            f"UID:s\nSEQUENCE:{n}\nRECURRENCE-ID:20270105T090000Z\nDTSTART;{CPH}:20270105T{hour}0000\nDURATION:PT1H"
            for n, hour in ((2, 15), (1, 13))
        ]
        assert busy(read(calendar(series, *moves))) == [THREE[0], "5 Jan 15:00/16:00"]


class TestIdentity:
    TWO = f"DTSTART;{CPH}:20270105T100000\nDURATION:PT1H"

    @pytest.mark.parametrize(
        "uids", [("UID:k\n", "UID:k\n"), ("UID:\n", "UID:\n"), ("X-UID:1\n", "X-UID:2\n"), ("UID;X=Y:k\n", "UID:k\n")]
    )
    def test_events_that_share_a_uid_or_have_none_are_all_busy(self, uids: tuple[str, str]) -> None:
        assert busy(read(calendar(uids[0] + TEN, uids[1] + self.TWO))) == THREE[:2]

    def test_the_newest_of_several_revisions_counts(self) -> None:
        old, new = f"UID:k\nSEQUENCE:1\n{TEN}", f"UID:k\nSEQUENCE:2\n{self.TWO}"
        assert busy(read(calendar(old, new))) == busy(read(calendar(new, old))) == [THREE[1]]

    def test_the_later_stamp_counts_at_the_same_start(self) -> None:
        early = f"UID:k\nDTSTAMP:20261101T100000Z\n{TEN}"
        late = f"UID:k\nDTSTAMP:20261102T100000Z\n{TEN}\nSTATUS:CANCELLED"
        assert busy(read(calendar(early, late))) == busy(read(calendar(late, early))) == []

    def test_events_that_are_equal_but_for_their_end_are_both_busy(self) -> None:
        longer = f"UID:k\nDTSTART;{CPH}:20270104T100000\nDURATION:PT2H"
        assert busy(read(calendar(f"UID:k\n{TEN}", longer))) == ["4 Jan 10:00/12:00"]


class TestAvailability:
    @pytest.mark.parametrize(
        "more",
        [
            *("TRANSP:TRANSPARENT", "transp: transparent", "STATUS:CANCELLED", "Status:cancelled"),
            *("X-MICROSOFT-CDO-BUSYSTATUS:FREE", "TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:FREE"),
        ],
    )
    def test_free_events_block_nothing(self, more: str) -> None:
        assert busy(read(calendar(f"{TEN}\n{more}"))) == []

    @pytest.mark.parametrize(
        "more",
        [
            *("TRANSP:OPAQUE", "TRANSP:", "TRANSP:PERHAPS", "STATUS:TENTATIVE", "STATUS:CONFIRMED", "CLASS:PRIVATE"),
            *("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"),
            *("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:OOF"),
            "TRANSP:OPAQUE\nX-MICROSOFT-CDO-BUSYSTATUS:FREE",
        ],
    )
    def test_all_others_do(self, more: str) -> None:
        assert busy(read(calendar(f"{TEN}\n{more}"))) == AT_TEN

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("FREEBUSY:20270104T090000Z/20270104T100000Z", AT_TEN),
            ("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20270104T090000Z/PT1H", AT_TEN),
            ("FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270104T090000Z/PT1H", AT_TEN),
            ("FREEBUSY;FBTYPE=X-AWAY:20270104T090000Z/PT1H", AT_TEN),
            ("FREEBUSY;FBTYPE=FREE:20270104T090000Z/PT1H", []),
            ("FREEBUSY:20270104T090000Z/PT1H,20270105T090000Z/PT1H\nFREEBUSY:20270106T090000Z/PT1H", THREE),
            (f"FREEBUSY;{CPH}:20270104T100000/20270104T110000", AT_TEN),
            ("FREEBUSY:20270302/20270303", WHOLE_DAY),
        ],
    )
    def test_lists_of_busy_periods_are_read(self, line: str, expected: list[str]) -> None:
        reading = read(calendar(before=FREE_BUSY.format(line)))
        assert (busy(reading), reading.counts) == (expected, {})

    def test_a_period_that_is_not_understood_is_reported(self) -> None:
        line = "FREEBUSY:20270104T090000Z/PT1H,20270105T090000Z/later,someday/PT1H"
        reading = read(calendar(before=FREE_BUSY.format(line)))
        assert (busy(reading), reading.counts) == (
            [*AT_TEN, "5 Jan 10:00/6 Jan 00:00"],
            {"unclear_period": 2},
        )


class TestZones:
    AT_NINE = "DTSTART;TZID={0}:20270705T090000\nDTEND;TZID={0}:20270705T100000"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("America/New_York", "5 Jul 15:00/16:00"),
            ('"America/New_York"', "5 Jul 15:00/16:00"),
            ("america/new_york", "5 Jul 15:00/16:00"),
            ("/freeassociation.sourceforge.net/America/New_York", "5 Jul 15:00/16:00"),
            ("Eastern Standard Time", "5 Jul 15:00/16:00"),
            ("Romance Standard Time", "5 Jul 09:00/10:00"),
            ("UTC", "5 Jul 11:00/12:00"),
            ("GMT-0400", "5 Jul 15:00/16:00"),
            ("UTC+2", "5 Jul 09:00/10:00"),
            ("", "5 Jul 09:00/10:00"),
        ],
    )
    def test_zones_are_known_by_many_names(self, name: str, expected: str) -> None:
        reading = read(calendar(self.AT_NINE.format(name)))
        assert (busy(reading), reading.counts) == ([expected], {})

    @pytest.mark.parametrize("name", ["Kontor", "Customized Time Zone", "(UTC-05:00) Eastern", "Ærø", ""])
    def test_a_zone_that_the_calendar_defines_is_used_also_after_the_event(self, name: str) -> None:
        quoted = f'"{name}"' if ":" in name else name
        content = calendar(self.AT_NINE.format(quoted), before=NEW_YORK.format(name=name))
        assert busy(read(content)) == ["5 Jul 15:00/16:00"]
        zone = NEW_YORK.format(name=name).replace("\n", "\r\n").encode()
        after = content.replace(zone, b"").replace(b"END:VCALENDAR", zone + b"END:VCALENDAR")
        assert busy(read(after)) == ["5 Jul 15:00/16:00"]

    def test_a_zone_may_name_its_place_instead_of_its_changes(self) -> None:
        zone = "BEGIN:VTIMEZONE\nTZID:Kontor\nX-LIC-LOCATION:America/New_York\nEND:VTIMEZONE\n"
        assert busy(read(calendar(self.AT_NINE.format("Kontor"), before=zone))) == ["5 Jul 15:00/16:00"]

    def test_an_unknown_zone_is_read_as_copenhagens_and_reported(self) -> None:
        reading = read(calendar(self.AT_NINE.format("Atlantis/Capital")))
        assert (busy(reading), reading.counts) == (["5 Jul 09:00/10:00"], {"unknown_time_zone": 1})

    def test_a_zone_name_with_a_colon_may_be_unquoted(self) -> None:
        content = calendar(self.AT_NINE.format("(UTC-05:00) East"), before=NEW_YORK.format(name="(UTC-05:00) East"))
        assert busy(read(content)) == ["5 Jul 15:00/16:00"]


GOOD = calendar(TEN)
ODD = [
    GOOD.replace(b"\r\n", b"\n"),
    GOOD.replace(b"\r\n", b"\r"),
    GOOD.replace(b"\r\n", b"\r\r\n"),
    GOOD.replace(b"\r\n", b"\n", 3),
    GOOD.replace(b"\r\n", b"\r\n\r\n"),
    b"\xef\xbb\xbf" + GOOD,
    b"\r\n\r\n" + GOOD,
    b"  " + GOOD,
    b"".join(b"    " + line for line in GOOD.splitlines(keepends=True)),
    b"Here is the calendar:\r\n" + GOOD,
    GOOD.decode().encode("utf-16"),
    GOOD.decode().encode("utf-16-be"),
    GOOD + b"\0" * 100,
    GOOD.lower(),
    GOOD.replace(b"DTSTART", b"DTSTART ").replace(b"BEGIN:VEVENT", b"BEGIN: VEVENT "),
    GOOD.replace(b":20270104T100000", b":2027\r\n 0104T10\r\n\t0000"),
    GOOD.replace(b":20270104T100000", b":2027\r\n0104T100000"),
    GOOD.replace(b"UID", b"SUMMARY:bl\xe5b\xe6r\r\nUID"),
    GOOD.replace(b"UID", b"DESCRIPTION:raw\r\nlines of text\r\n; and more\r\nUID"),
    GOOD.replace(b"UID", b"SEQUENCE:\r\nUID"),
    GOOD.replace(b"UID", b"PRIORITY:high\r\nGEO:home\r\nCREATED:once\r\nDTSTAMP:\r\nUID"),
    GOOD.replace(b"UID", b"BEGIN:VALARM\r\nTRIGGER:\r\nDURATION:PT9H\r\nEND:VALARM\r\nUID"),
    GOOD.replace(b"UID", b"BEGIN:VALARM\r\nTRIGGER;VALUE=DATE-TIME:now\r\nDTSTART:x\r\nEND:VALARM\r\nUID"),
    GOOD.replace(b"VERSION", b'REFRESH-INTERVAL;VALUE=DURATION;X-A="b:c":P1W\r\nVERSION'),
    GOOD.replace(b"VERSION:2.0", b"VERSION:"),
    GOOD.replace(b"END:VEVENT", b"X-LONG:" + b"a" * 300_000 + b"\r\nEND:VEVENT"),
    GOOD.replace(b"END:VEVENT\r\n", b""),
    calendar(TEN, "DTSTART:99991231T230000Z\nDTEND:99991231T235959Z"),
    calendar(TEN, "DTSTART;VALUE=DATE:99991231\nRRULE:FREQ=YEARLY"),
    calendar(TEN, "DTSTART:00010101T000000Z\nDTEND:00010101T010000Z"),
    calendar(f"{TEN}\nRRULE:FREQ=YEARLY;UNTIL=99991231T235959Z;COUNT=1"),
    calendar(TEN, "TRANSP:TRANSPARENT\nDTSTART:never"),
    calendar(TEN, before="BEGIN:VTODO\nDUE:x\nEND:VTODO\nBEGIN:X-THING\nX:1\nEND:X-THING\n"),
    calendar(TEN, before="BEGIN:VTIMEZONE\nTZID:Broken\nBEGIN:STANDARD\nDTSTART:x\nEND:STANDARD\nEND:VTIMEZONE\n"),
]


class TestForm:
    @pytest.mark.parametrize("content", ODD, ids=[str(n) for n in range(len(ODD))])
    def test_an_odd_form_costs_nothing(self, content: bytes) -> None:
        reading = read(content)
        assert (busy(reading), reading.counts) == (AT_TEN, {})

    @pytest.mark.parametrize(
        "cut", [b"END:VCALENDAR\r\n", b"VENT\r\nEND:VCALENDAR\r\n", b"END:VEVENT\r\nEND:VCALENDAR\r\n"]
    )
    def test_a_calendar_that_is_cut_off_says_so(self, cut: bytes) -> None:
        reading = read(GOOD.removesuffix(cut))
        assert (busy(reading), reading.counts) == (AT_TEN, {"cut_off": 1})

    def test_an_event_that_is_cut_off_before_its_end_blocks_the_rest_of_the_day(self) -> None:
        reading = read(GOOD[: GOOD.index(b"DTEND")])
        assert (busy(reading), reading.counts) == (["4 Jan 10:00/5 Jan 00:00"], {"cut_off": 1, "unclear_time": 1})

    def test_an_unknown_component_is_reported(self) -> None:
        content = calendar(TEN, before="BEGIN:VAVAILABILITY\nDTSTART:20270105T090000Z\nEND:VAVAILABILITY\n")
        assert read(content).counts == {"unknown_component": 1}

    def test_a_calendar_without_events_says_so(self) -> None:
        reading = read(calendar())
        assert (reading.busy, reading.counts) == ([], {"no_events": 1})

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<html>Log in</html>",
            b"BEGIN:VCARD\r\nEND:VCARD\r\n",
            b"BEGIN:VCALENDAR\r\n",
            calendar("DTSTART:x"),
            calendar("RRULE:FREQ=DAILY"),
            calendar(before=FREE_BUSY.format("FREEBUSY:x/y")),
            GOOD[:60],
        ],
    )
    def test_a_file_of_which_nothing_is_understood_is_refused(self, content: bytes) -> None:
        with pytest.raises(Refused, match="not_a_calendar"):
            read(content)


class TestIds:
    ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"

    @pytest.mark.parametrize(
        "uid",
        [
            f"booking-{ID}@salon.example",
            f"{ID}@loctician.example",
            f"BOOKING-{ID.upper()}@SALON.EXAMPLE",
            f"booking-{ID}",
            "040000008200E00074C5B7101A82E00800000000"
            + f"vCal-Uid\x01\0\0\0booking-{ID}@salon.example\0".encode().hex(),
        ],
    )
    def test_the_id_in_a_uid_is_told_with_its_times(self, uid: str) -> None:
        reading = read(calendar(f"UID:{uid}\n{TEN}"))
        assert ([str(id_) for id_ in reading.by_id], reading.busy, busy(reading)) == ([self.ID], [], AT_TEN)
