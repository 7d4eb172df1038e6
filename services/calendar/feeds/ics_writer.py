"""Writes appointments as an iCalendar feed (RFC 5545)."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, Timezone

from domain.clock import is_ambiguous, to_copenhagen
from services.calendar.rows import Row, Rows

STATUS = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}
LABELS = {
    "da": {"treatment": "Behandling", "cancelled": "Aflyst", "customer": "Mine tider", "loctician": "Aftaler"},
    "en": {"treatment": "Treatment", "cancelled": "Cancelled", "customer": "My bookings", "loctician": "Appointments"},
}
VTIMEZONE = """BEGIN:VTIMEZONE
TZID:Europe/Copenhagen
BEGIN:DAYLIGHT
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19960331T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""
REFRESH_INTERVAL = timedelta(hours=1)


def write(kind: str, appointments: Rows, names: Mapping[UUID, str], language: str, owner_id: UUID) -> bytes:
    """`kind` is whose appointments they are: customer or loctician. A loctician's feed names no customer."""
    labels = LABELS[language]
    title = labels[kind] if kind == "customer" else f"{labels[kind]} {names.get(owner_id, '')}"
    calendar = Calendar()
    properties = {
        "prodid": "-//Loctician//Calendar//DA",
        "version": "2.0",
        "calscale": "GREGORIAN",
        "method": "PUBLISH",
        "x-wr-calname": one_line(f"Loctician: {title}"),
    }
    for name, value in properties.items():
        calendar.add(name, value)
    calendar.add("refresh-interval", REFRESH_INTERVAL, {"VALUE": "DURATION"})
    calendar.add_component(Timezone.from_ical(VTIMEZONE))
    for row in appointments:
        calendar.add_component(_event(kind, row, names, labels))
    content: bytes = calendar.to_ical()
    return content


def _event(kind: str, row: Row, names: Mapping[UUID, str], labels: Mapping[str, str]) -> Event:
    starts, ends = _times(row["starts_at"], row["ends_at"])
    event = Event()
    properties: dict[str, Any] = {
        "uid": f"{row['item_id']}@loctician.example",
        "sequence": row["version"],
        "dtstamp": row["changed_at"].astimezone(UTC),
        "last-modified": row["changed_at"].astimezone(UTC),
        "dtstart": starts,
        "dtend": ends,
        "summary": _summary(kind, row, names, labels),
        "status": STATUS.get(row["status"], "CONFIRMED"),
        "class": "PRIVATE",
        "transp": "TRANSPARENT" if row["status"] == "cancelled" else "OPAQUE",
    }
    for name, value in properties.items():
        event.add(name, value)
    return event


def _times(starts: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """In Copenhagen's zone, but in UTC in the hour that comes twice, which calendar programs read differently."""
    if is_ambiguous(starts) or is_ambiguous(ends):
        return starts.astimezone(UTC), ends.astimezone(UTC)
    return to_copenhagen(starts), to_copenhagen(ends)


def _summary(kind: str, row: Row, names: Mapping[UUID, str], labels: Mapping[str, str]) -> str:
    treatment = names.get(row["treatment_id"], labels["treatment"])
    other = names.get(row["loctician_id"], "") if kind == "customer" else reference(row["booking_id"])
    text = " · ".join(part for part in (treatment, other) if part)
    return one_line(f"{labels['cancelled']}: {text}" if row["status"] == "cancelled" else text)


def reference(booking_id: UUID) -> str:
    """The last eight characters of the booking's id: short enough for the phone, unique among a loctician's own."""
    return booking_id.hex[-8:].upper()


def one_line(text: str) -> str:
    """Replaces line ends and other control characters by spaces."""
    return " ".join(
        "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text).split()
    )
