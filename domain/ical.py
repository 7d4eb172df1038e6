"""What the calendar files that we send have in common (RFC 5545): Copenhagen's time zone, times, ids of entries."""

from datetime import UTC, datetime
from uuid import UUID

from icalendar import Calendar, Timezone

from domain.clock import is_ambiguous, to_copenhagen

# The onsets are wall-clock times of the offset that ends with them (RFC 5545, 3.6.5): summer begins at 02:00 of
# standard time, winter at 03:00 of summer time.
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
STATUSES = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}  # any other booking is confirmed


def calendar(product: str, method: str) -> Calendar:
    """With Copenhagen's zone, and no entry yet."""
    content = Calendar()
    content.add("prodid", f"-//Loctician//{product}//DA")
    content.add("version", "2.0")
    content.add("calscale", "GREGORIAN")
    content.add("method", method)
    content.add_component(Timezone.from_ical(VTIMEZONE))
    return content


def times(starts: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """In Copenhagen's zone, but in UTC in the hour that comes twice, which calendar programs read differently."""
    if is_ambiguous(starts) or is_ambiguous(ends):
        return starts.astimezone(UTC), ends.astimezone(UTC)
    return to_copenhagen(starts), to_copenhagen(ends)


def booking_uid(booking_id: UUID) -> str:
    """The same in every mail about a booking and in its file, so that a calendar keeps one entry."""
    return f"booking-{booking_id}@loctician.example"
