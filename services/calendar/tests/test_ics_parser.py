"""Parsing calendars that others wrote, some of them hostile."""

import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest

from services.calendar.errors import CalendarTooLarge, NotACalendar
from services.calendar.ics.problems import Refused
from services.calendar.ics.reader import MAX_EVENTS, read_calendar
from services.calendar.ics.series import MAX_RECURRENCES
from services.calendar.imports import ics_sandbox
from services.calendar.imports.ics_parser import MAX_BYTES
from services.calendar.intervals import Interval
from shared.errors import ProblemError

START, END = datetime(2027, 3, 1, tzinfo=UTC), datetime(2028, 4, 1, tzinfo=UTC)
DAILY = "DTSTART:20270302T100000Z\nDTEND:20270302T110000Z\nRRULE:FREQ=DAILY"
ALL = [",".join(map(str, range(n))) for n in (24, 60, 60)]


def calendar(*events: str, before: str = "") -> bytes:
    bodies = "".join(f"BEGIN:VEVENT\nUID:u{n}\n{event}\nEND:VEVENT\n" for n, event in enumerate(events))
    content = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{before}{bodies}END:VCALENDAR\n"
    return content.replace("\n", "\r\n").encode()


def busy_times(content: bytes) -> list[Interval]:
    return read_calendar(BytesIO(content), START, END).busy


def busy(*events: str, before: str = "") -> list[str]:
    """As "month-day hour:minute/hour:minute" in UTC."""
    times = busy_times(calendar(*events, before=before))
    return [f"{start:%m-%d %H:%M}/{end:%m-%d %H:%M}" for start, end in times]


class TestTimes:
    def test_an_event_is_busy_from_start_to_end(self) -> None:
        assert busy("DTSTART:20270302T100000Z\nDTEND:20270302T113000Z") == ["03-02 10:00/03-02 11:30"]
        assert busy("DTSTART:20270302T100000Z\nDURATION:PT90M") == ["03-02 10:00/03-02 11:30"]

    def test_overlapping_events_are_one_busy_time(self) -> None:
        events = "DTSTART:20270302T100000Z\nDTEND:20270302T120000Z", "DTSTART:20270302T110000Z\nDTEND:20270302T130000Z"
        assert busy(*events) == ["03-02 10:00/03-02 13:00"]

    def test_a_whole_day_is_a_day_in_copenhagen(self) -> None:
        assert busy("DTSTART;VALUE=DATE:20270302") == ["03-01 23:00/03-02 23:00"]
        assert busy("DTSTART;VALUE=DATE:20270327\nDTEND;VALUE=DATE:20270329") == ["03-26 23:00/03-28 22:00"]

    def test_a_time_without_a_zone_is_in_copenhagen(self) -> None:
        assert busy("DTSTART:20270302T100000\nDTEND:20270302T110000") == ["03-02 09:00/03-02 10:00"]
        assert busy("DTSTART:20270702T100000\nDTEND:20270702T110000") == ["07-02 08:00/07-02 09:00"]

    def test_a_zone_that_the_calendar_defines_is_used(self) -> None:
        mars = (
            "BEGIN:VTIMEZONE\nTZID:Mars\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
            "TZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
        event = "DTSTART;TZID=Mars:20270302T100000\nDTEND;TZID=Mars:20270302T110000"
        assert busy(event, before=mars) == ["03-02 05:00/03-02 06:00"]

    @pytest.mark.parametrize("more", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED"])
    def test_free_and_cancelled_events_block_nothing(self, more: str) -> None:
        assert busy(f"DTSTART:20270302T100000Z\nDTEND:20270302T110000Z\n{more}") == []

    def test_an_event_without_length_blocks_nothing(self) -> None:
        assert busy("DTSTART:20270302T100000Z") == []

    def test_a_long_event_is_cut_to_the_period(self) -> None:
        assert busy("DTSTART:20200101T000000Z\nDTEND:20990101T000000Z") == ["03-01 00:00/04-01 00:00"]

    def test_all_calendars_in_one_file_count(self) -> None:
        single = calendar("DTSTART:20270302T100000Z\nDTEND:20270302T110000Z")
        two = calendar("DTSTART:20270303T100000Z\nDTEND:20270303T110000Z")
        assert len(busy_times(single + two)) == 2


class TestRecurrences:
    def test_recurrences_keep_their_wall_clock_time_over_a_change(self) -> None:
        event = "DTSTART;TZID=Europe/Copenhagen:20270327T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
        assert busy(event) == ["03-27 09:00/03-27 10:00", "03-28 08:00/03-28 09:00"]

    def test_a_recurrence_in_the_skipped_hour_keeps_its_length(self) -> None:
        event = "DTSTART;TZID=Europe/Copenhagen:20270327T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"
        assert busy(event) == ["03-27 01:30/03-27 02:30", "03-28 01:30/03-28 02:30", "03-29 00:30/03-29 01:30"]

    def test_a_rule_without_an_end_stops_at_the_horizon(self) -> None:
        assert len(busy(DAILY)) == (END - START).days - 1

    def test_excluded_moved_and_cancelled_recurrences_are_respected(self) -> None:
        series = "UID:same\nDTSTART:20270302T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20270303T100000Z"
        moved = "UID:same\nRECURRENCE-ID:20270304T100000Z\nDTSTART:20270304T150000Z\nDURATION:PT1H"
        cancelled = (
            "UID:same\nRECURRENCE-ID:20270305T100000Z\nDTSTART:20270305T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED"
        )
        content = calendar(series, moved, cancelled)
        for n in range(3):
            content = content.replace(f"UID:u{n}\r\n".encode(), b"")
        busy = busy_times(content)
        assert [f"{start:%d %H}" for start, _ in busy] == ["02 10", "04 15"]


class TestHostileCalendars:
    """Each is stopped by a limit of time or memory, and the service goes on."""

    @pytest.mark.parametrize(
        "content",
        [
            calendar(DAILY.replace("DAILY", "SECONDLY")),
            calendar(DAILY.replace("DAILY", "minutely")),
            calendar(DAILY.replace("DAILY", "SECOND\n LY")),
            calendar(f"{DAILY};BYHOUR={ALL[0]};BYMINUTE={ALL[1]};BYSECOND={ALL[2]}"),
            calendar(f"{DAILY.replace('DAILY', 'YEARLY')};BYHOUR={ALL[0]};BYMINUTE={ALL[1]};BYDAY=MO,TU;BYSETPOS=1"),
            calendar(*["DTSTART:20270302T100000Z"] * (MAX_EVENTS + 1)),
            calendar(*[DAILY] * (MAX_RECURRENCES // 300)),
            b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VALARM\r\n" * 9,
        ],
        ids=["every second", "every minute", "every second, folded", "by everything", "positions of everything",
             "too many events", "too many recurrences", "too deep"],
    )  # fmt: skip
    def test_obvious_bombs_are_refused(self, content: bytes) -> None:
        with pytest.raises(Refused, match="calendar_too_large"):
            busy_times(content)

    async def test_too_many_bytes_are_refused_before_parsing(self) -> None:
        with pytest.raises(CalendarTooLarge):
            await ics_sandbox.read(b" " * (MAX_BYTES + 1), date(2028, 4, 1))

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1;BYMINUTE=1",
            "FREQ=MINUTELY;INTERVAL=525600;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
            "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
            "FREQ=YEARLY;INTERVAL=999999999",
        ],
    )
    def test_a_rule_that_never_fits_gives_the_first_time_only(self, rule: str) -> None:
        """dateutil looks for it until the year 9999, which takes minutes for some."""
        assert busy(f"DTSTART:20270302T100000Z\nDURATION:PT1H\nRRULE:{rule}") == ["03-02 10:00/03-02 11:00"]

    @pytest.mark.parametrize(
        ("rule", "times"),
        [("FREQ=HOURLY;INTERVAL=24", 396), ("FREQ=DAILY;COUNT=999999999", 396), ("FREQ=WEEKLY;BYDAY=MO,TH", 114)],
    )
    def test_a_series_from_long_ago_is_not_counted_through(self, rule: str, times: int) -> None:
        assert abs(len(busy(f"DTSTART:00100104T100000Z\nDURATION:PT1H\nRRULE:{rule}")) - times) <= 1

    async def test_other_bombs_run_out_of_processor_time(self) -> None:
        series = [f"{DAILY.replace('DAILY', 'YEARLY')};BYWEEKNO=1,-1;BYDAY=MO;COUNT=300"] * 9_000
        with pytest.raises(CalendarTooLarge):
            await ics_sandbox.read(calendar(*(rule.replace("2027", "1890") for rule in series)), date(2028, 4, 1), 1)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\x00\xff\xfe" * 100,
            b"<html><body>Log in</body></html>",
            b"BEGIN:VCALENDAR\r\n",
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:yesterday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            calendar("RRULE:FREQ=DAILY"),
        ],
        ids=["nothing", "bytes", "a web page", "half of one", "no date", "no start"],
    )
    async def test_content_that_is_not_a_calendar_is_refused(self, content: bytes) -> None:
        with pytest.raises(ProblemError) as refused:
            await ics_sandbox.read(content, date(2028, 4, 1))
        assert isinstance(refused.value, NotACalendar)

    def test_the_process_cannot_use_more_memory_than_allowed(self) -> None:
        script = "import services.calendar.ics.reader as r; r.read_calendar = lambda *_: bytes(10**9)\n"
        script += "import services.calendar.imports.ics_parser as p; p.main()"
        command = [sys.executable, "-c", script, "0", "1", "5"]
        process = subprocess.run(command, input=b"", capture_output=True, check=True, timeout=60, cwd=ics_sandbox.ROOT)
        assert process.stdout == b'{"problem": "calendar_too_large"}'

    def test_the_process_inherits_no_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The parser gets an environment with PYTHONPATH only."""
        monkeypatch.setenv("SECRET_KEY", "not to be seen")
        assert ics_sandbox.environment() == {"PYTHONPATH": str(ics_sandbox.ROOT)}


class TestReading:
    async def test_reading_gives_busy_times(self) -> None:
        day = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)
        event = f"DTSTART:{day:%Y%m%dT%H%M%SZ}\nDURATION:PT1H\nSUMMARY:Therapy\nLOCATION:Somewhere"
        reading = await ics_sandbox.read(calendar(event), ics_sandbox.read_until())
        assert (reading.busy, reading.by_id, reading.counts) == ([(day, day + timedelta(hours=1))], {}, {})


def ten_years(size: int) -> bytes:
    """Events of an hour, back in time from a year ahead, until the file is this large."""
    first, events, length = datetime(2028, 3, 1, 10, tzinfo=UTC), list[str](), 0
    while length < size:
        day = first - timedelta(hours=5 * len(events))
        event = f"DTSTART;TZID=Europe/Copenhagen:{day:%Y%m%dT%H%M%S}\nDURATION:PT1H\nSUMMARY:Appointment\n"
        event += f"DESCRIPTION:{'Something about it ' * 7}\nCREATED:20200101T000000Z\nLAST-MODIFIED:20200101T000000Z"
        events.append(event)
        length += len(event) + 60
    return calendar(*events)


class TestHistory:
    def test_of_ten_years_only_what_lies_ahead_is_kept(self) -> None:
        content = ten_years(5_200_000)
        assert 4_900_000 < len(content) < MAX_BYTES
        tracemalloc.start()
        reading = read_calendar(BytesIO(content), START, END)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 1_500 < len(reading.busy) < 2_000
        assert peak < 8_000_000, "most of the events are past"
