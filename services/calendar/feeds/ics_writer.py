"""Writes appointments as an iCalendar feed (RFC 5545)."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from icalendar import Event

from domain import ical
from services.calendar.rows import Row, Rows

LABELS = {
    "da": {"treatment": "Behandling", "cancelled": "Aflyst", "customer": "Mine tider", "loctician": "Aftaler"},
    "en": {"treatment": "Treatment", "cancelled": "Cancelled", "customer": "My bookings", "loctician": "Appointments"},
}
REFRESH_INTERVAL = timedelta(hours=1)


def write(
    kind: str, appointments: Rows, names: Mapping[UUID, str], language: str, owner_id: UUID, place: str = ""
) -> bytes:
    """`kind` is whose appointments they are: customer or loctician. A loctician's feed names no customer. `place`: the
    salon's name and address."""
    labels = LABELS[language]
    title = labels[kind] if kind == "customer" else f"{labels[kind]} {names.get(owner_id, '')}"
    calendar = ical.calendar("Calendar", "PUBLISH")
    calendar.add("x-wr-calname", one_line(f"Loctician: {title}"))
    calendar.add("refresh-interval", REFRESH_INTERVAL, {"VALUE": "DURATION"})
    for row in appointments:
        event = _event(kind, row, names, labels)
        if place:
            event.add("location", one_line(place))
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _event(kind: str, row: Row, names: Mapping[UUID, str], labels: Mapping[str, str]) -> Event:
    starts, ends = ical.times(row["starts_at"], row["ends_at"])
    event = Event()
    properties: dict[str, Any] = {
        "uid": f"{row['item_id']}@loctician.example",
        "sequence": row["version"],
        "dtstamp": row["changed_at"].astimezone(UTC),
        "last-modified": row["changed_at"].astimezone(UTC),
        "dtstart": starts,
        "dtend": ends,
        "summary": _summary(kind, row, names, labels),
        "status": ical.STATUSES.get(row["status"], "CONFIRMED"),
        "class": "PRIVATE",
        "transp": "TRANSPARENT" if row["status"] == "cancelled" else "OPAQUE",
    }
    for name, value in properties.items():
        event.add(name, value)
    return event


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
