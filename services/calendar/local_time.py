"""The dates of Copenhagen: today's, and where each begins and ends."""

from datetime import date, datetime, time, timedelta

from domain.clock import COPENHAGEN, to_utc
from services.calendar.intervals import Interval


def today() -> date:
    return datetime.now(COPENHAGEN).date()


def day_bounds(day: date) -> Interval:
    """From midnight to midnight in Copenhagen: 23, 24 or 25 hours."""
    return to_utc(day, time()), to_utc(day + timedelta(days=1), time())
