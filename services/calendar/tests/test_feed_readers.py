"""Feeds as others read them: the icalendar package, npm's ical.js, and our own import."""

import asyncio
import json
import warnings
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from domain.clock import COPENHAGEN
from services.calendar.feeds import ics_writer
from services.calendar.ics.reader import read_calendar
from services.calendar.intervals import merge
from services.calendar.tests.conftest import AMINA, TREATMENT
from services.calendar.tests.feeds import at, events_in, next_change
from services.calendar.tests.reading import all_busy
from shared.testing.node import run_script

NAME = "Vask, løsning; og \\ retwist æøå 💈" + " – og en lang hale" * 6
NAMES = {TREATMENT: NAME, AMINA: "Amina Ærø"}
START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)

Row = dict[str, Any]


def row(start: datetime, minutes: int, status: str = "confirmed", version: int = 1) -> Row:
    return {
        "item_id": uuid4(),
        "booking_id": uuid4(),
        "treatment_id": TREATMENT,
        "loctician_id": AMINA,
        "starts_at": start,
        "ends_at": start + timedelta(minutes=minutes),
        "status": status,
        "version": version,
        "changed_at": at(0),
    }


def around_the_changes() -> list[Row]:
    """Appointments at every quarter of an hour around both clock changes, and on an ordinary day."""
    changes = [datetime.combine(next_change(month), datetime.min.time(), UTC) for month in (3, 10)]
    starts = [instant + n * QUARTER - timedelta(hours=1) for instant in changes for n in range(16)]
    return [row(instant, 50) for instant in (*starts, at(3))] + [row(instant, 180) for instant in changes]


def ical_js(content: bytes) -> dict[str, Any]:
    """What ical.js makes of a feed, with the time zone in it."""
    result: dict[str, Any] = json.loads(run_script("ical_reader.mjs", content=content))
    return result


class TestIcalendar:
    def test_it_reads_a_feed_without_a_warning(self) -> None:
        rows = [*around_the_changes(), row(at(4), 30, "cancelled", 3), row(at(5), 30, "pending")]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            calendar: Any = Calendar.from_ical(ics_writer.write("customer", rows, NAMES, "da", AMINA))
        assert [error for part in calendar.walk() for error in part.errors] == []
        times = {str(event["uid"]): (event["dtstart"].dt, event["dtend"].dt) for event in calendar.walk("VEVENT")}
        assert len(times) == len(rows)
        for appointment in rows:
            assert times[f"{appointment['item_id']}@loctician.example"] == (
                appointment["starts_at"],
                appointment["ends_at"],
            )

    def test_the_time_zone_in_the_feed_is_copenhagens(self) -> None:
        """By the rules in the feed, not looked up by the zone's name."""
        calendar: Any = Calendar.from_ical(ics_writer.write("loctician", [], {}, "da", AMINA))
        (zone,) = calendar.walk("VTIMEZONE")
        read_zone = zone.to_tz(lookup_tzid=False)
        for month in (1, 3, 4, 7, 10, 11):
            for day in (1, 24, 26, 28, 30):
                for year in (2024, 2027, 2030):
                    noon = datetime(year, month, day, 12)  # noqa: DTZ001 - given its zone below
                    offsets = noon.replace(tzinfo=read_zone).utcoffset(), noon.replace(tzinfo=COPENHAGEN).utcoffset()
                    assert offsets[0] == offsets[1], noon


class TestIcalJs:
    async def test_it_reads_the_same_instants_from_a_feed(self) -> None:
        rows = [*around_the_changes(), row(at(4), 30, "cancelled", 3)]
        result = await asyncio.to_thread(ical_js, ics_writer.write("customer", rows, NAMES, "da", AMINA))
        assert result["name"] == "Loctician: Mine tider"
        by_uid = {event["uid"]: event for event in result["events"]}
        assert len(by_uid) == len(rows)
        for appointment in rows:
            event = by_uid[f"{appointment['item_id']}@loctician.example"]
            read = tuple(datetime.fromisoformat(event[edge]) for edge in ("start", "end"))
            assert read == (appointment["starts_at"], appointment["ends_at"])
            assert event["sequence"] == appointment["version"]
            assert event["summary"].removeprefix("Aflyst: ") == f"{NAME} · Amina Ærø"
            assert (event["status"] == "CANCELLED") == (appointment["status"] == "cancelled")

    async def test_it_reads_an_empty_feed(self) -> None:
        result = await asyncio.to_thread(ical_js, ics_writer.write("loctician", [], {}, "en", AMINA))
        assert result == {"name": "Loctician: Appointments", "events": []}


moments = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31)),  # noqa: DTZ001 - Hypothesis adds the zone
    st.datetimes(datetime(2027, 3, 27, 22), datetime(2027, 3, 28, 4)),  # noqa: DTZ001
    st.datetimes(datetime(2027, 10, 30, 22), datetime(2027, 10, 31, 4)),  # noqa: DTZ001
).map(lambda instant: instant.replace(second=0, microsecond=0, tzinfo=UTC))
appointments = st.builds(
    row, moments, st.integers(5, 600), st.sampled_from(["confirmed", "pending", "completed", "cancelled"])
)


class TestImport:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(appointments, max_size=6), st.sampled_from(["loctician", "customer"]))
    def test_a_feed_imported_again_gives_the_same_busy_times(self, rows: list[Row], kind: str) -> None:
        content = ics_writer.write(kind, rows, NAMES, "da", AMINA)
        standing = [
            (appointment["starts_at"], appointment["ends_at"])
            for appointment in rows
            if appointment["status"] != "cancelled"
        ]
        assert all_busy(read_calendar(BytesIO(content), START, END)) == merge(standing)

    @settings(max_examples=30, deadline=None)
    @given(st.text(max_size=200), st.uuids(version=4))
    def test_any_treatment_name_becomes_one_line_of_text(self, name: str, booking_id: UUID) -> None:
        content = ics_writer.write("loctician", [row(at(1), 30)], {TREATMENT: name}, "da", AMINA)
        (event,) = events_in(content)
        assert str(event["summary"]).startswith(ics_writer.one_line(name))
        assert content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")
        assert len(list(Calendar.from_ical(content).walk())) == 5
