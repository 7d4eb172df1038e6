"""Days and instants for the examples of the API: in the coming weeks, so that an example can be sent as it is."""

from datetime import date, datetime, time, timedelta

from domain.clock import COPENHAGEN

# Those that can fall on a Wednesday.
HOLIDAYS = {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1), (6, 5)}


def _wednesday() -> date:
    """A working day that is three weeks ahead or more."""
    day = datetime.now(COPENHAGEN).date() + timedelta(days=21)
    day += timedelta(days=(2 - day.weekday()) % 7)
    while (day.month, day.day) in HOLIDAYS:
        day += timedelta(weeks=1)
    return day


def at(day: date, clock: str) -> str:
    return datetime.combine(day, time.fromisoformat(clock), COPENHAGEN).isoformat()


DAY = _wednesday()
NEXT_DAY = DAY + timedelta(days=1)
START, END = at(DAY, "10:00"), at(DAY, "11:30")
MOVED = at(NEXT_DAY, "13:00")
FIRST_DAY, LAST_DAY = DAY.isoformat(), (DAY + timedelta(weeks=1)).isoformat()
WEEK_LATER = at(DAY + timedelta(weeks=1), "10:00")
