"""What tests of feeds share: bookings as booking tells of them, and times read back out of a feed."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from icalendar import Calendar

from domain.clock import COPENHAGEN
from services.calendar.ics.reader import read_calendar
from services.calendar.intervals import Interval
from services.calendar.tests.conftest import AMINA, CUSTOMER, TREATMENT
from services.calendar.tests.reading import all_busy

TREATED = {
    "service_id": str(TREATMENT),
    "version": 1,
    "translations": {"da": {"name": "Vask og retwist"}, "en": {"name": "Wash and retwist"}},
}
NAMED = {"loctician_id": str(AMINA), "version": 1, "display_name": "Amina Ærø"}


def booked(
    start: datetime,
    minutes: int = 60,
    *,
    booking_id: UUID | None = None,
    item_id: UUID | None = None,
    version: int = 1,
    status: str = "confirmed",
    customer: UUID = CUSTOMER,
    loctician: UUID = AMINA,
) -> dict[str, Any]:
    times = {"start": start.isoformat(), "end": (start + timedelta(minutes=minutes)).isoformat()}
    item = {
        "item_id": str(item_id or uuid4()),
        "service_id": str(TREATMENT),
        "loctician_id": str(loctician),
        **times,
    }
    return {
        "booking_id": str(booking_id or uuid4()),
        "version": version,
        "status": status,
        "customer_id": str(customer),
        "items": [item],
        **times,
    }


def span(booking: dict[str, Any]) -> Interval:
    start, end = (datetime.fromisoformat(booking["items"][0][edge]).astimezone(UTC) for edge in ("start", "end"))
    return start, end


def at(days: int, hour: int = 10) -> datetime:
    """An hour some days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


def events_in(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


def read_back(content: bytes) -> list[Interval]:
    return all_busy(read_calendar(BytesIO(content), at(-100), at(500)))


def next_change(month: int) -> date:
    """The coming last Sunday of March or of October."""
    today = datetime.now(COPENHAGEN).date()
    sundays = (_last_sunday(year, month) for year in (today.year, today.year + 1))
    return next(day for day in sundays if day > today)


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)
