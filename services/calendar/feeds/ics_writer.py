"""Appointments as an iCalendar feed (RFC 5545)."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, Timezone

from domain.clock import is_ambiguous, to_copenhagen
from services.calendar.rows import Row, Rows

STATUS = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}
WORDS = {
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
REFRESHED = timedelta(hours=1)


def write(kind: str, appointments: Rows, names: Mapping[UUID, str], language: str, owner_id: UUID) -> bytes:
    """`kind` is the side the appointments are seen from; a loctician's feed names no customer."""
    words = WORDS[language]
    title = words[kind] if kind == "customer" else f"{words[kind]} {names.get(owner_id, '')}"
    calendar = Calendar()
    head = {
        "prodid": "-//Loctician//Calendar//DA",
        "version": "2.0",
        "calscale": "GREGORIAN",
        "method": "PUBLISH",
        "x-wr-calname": one_line(f"Loctician: {title}"),
    }
    for name, value in head.items():
        calendar.add(name, value)
    calendar.add("refresh-interval", REFRESHED, {"VALUE": "DURATION"})
    calendar.add_component(Timezone.from_ical(VTIMEZONE))
    for row in appointments:
        calendar.add_component(_event(kind, row, names, words))
    content: bytes = calendar.to_ical()
    return content


def _event(kind: str, row: Row, names: Mapping[UUID, str], words: Mapping[str, str]) -> Event:
    starts, ends = _times(row["starts_at"], row["ends_at"])
    event = Event()
    properties: dict[str, Any] = {
        "uid": f"{row['item_id']}@loctician.example",
        "sequence": row["version"],
        "dtstamp": row["changed_at"].astimezone(UTC),
        "last-modified": row["changed_at"].astimezone(UTC),
        "dtstart": starts,
        "dtend": ends,
        "summary": _summary(kind, row, names, words),
        "status": STATUS.get(row["status"], "CONFIRMED"),
        "class": "PRIVATE",
        "transp": "TRANSPARENT" if row["status"] == "cancelled" else "OPAQUE",
    }
    for name, value in properties.items():
        event.add(name, value)
    return event


def _times(starts: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """On Copenhagen's clock, but in UTC in the hour that comes twice: readers differ over which of them is meant."""
    if is_ambiguous(starts) or is_ambiguous(ends):
        return starts.astimezone(UTC), ends.astimezone(UTC)
    return to_copenhagen(starts), to_copenhagen(ends)


def _summary(kind: str, row: Row, names: Mapping[UUID, str], words: Mapping[str, str]) -> str:
    treatment = names.get(row["treatment_id"], words["treatment"])
    other = names.get(row["loctician_id"], "") if kind == "customer" else reference(row["booking_id"])
    text = " · ".join(part for part in (treatment, other) if part)
    return one_line(f"{words['cancelled']}: {text}" if row["status"] == "cancelled" else text)


def reference(booking_id: UUID) -> str:
    """Short enough to be said on the phone; enough to find a booking among a loctician's own."""
    return booking_id.hex[-8:].upper()


def one_line(text: str) -> str:
    """Without line ends and other control characters, whichever of them a reader would take for one."""
    return " ".join("".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text).split())
