"""The calendar file of one booking (RFC 5545)."""

from datetime import UTC, datetime
from uuid import UUID

from icalendar import Event

from domain import ical
from services.booking.booking_pages.service import Shown


def write(shown: Shown, booking_id: UUID, language: str) -> bytes:
    booking, salon = shown.booking, shown.salon
    starts, ends = ical.times(booking["start"], booking["end"])
    entry = Event()
    entry.add("uid", ical.booking_uid(booking_id))
    entry.add("sequence", booking["version"])
    entry.add("dtstamp", datetime.now(UTC))
    entry.add("last-modified", booking["updated_at"].astimezone(UTC))
    entry.add("dtstart", starts)
    entry.add("dtend", ends)
    entry.add("summary", _summary(shown, language))
    entry.add("status", ical.STATUSES.get(booking["status"], "CONFIRMED"))
    place = ", ".join(filter(None, (salon["name"], salon["address"])))
    if place:
        entry.add("location", place)
    if salon["phone"]:
        entry.add("description", salon["phone"])
    calendar = ical.calendar("Booking", "PUBLISH")
    calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def _summary(shown: Shown, language: str) -> str:
    names = [shown.treatment(str(item["service_id"]), language) for item in shown.booking["items"]]
    return ", ".join(dict.fromkeys(filter(None, names)))
