"""Demo data for development: the weekly hours of three locticians."""

from datetime import time
from uuid import NAMESPACE_DNS, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.hours.expansion import Hours
from services.calendar.hours.service import set_hours
from services.calendar.local_time import today
from services.calendar.models import working_hours

MONDAY_TO_FRIDAY = range(5)
TUESDAY_TO_SATURDAY = range(1, 6)
WEEKS: dict[str, list[tuple[int, str, str]]] = {
    "amina": [(weekday, *shift) for weekday in MONDAY_TO_FRIDAY for shift in (("09:00", "12:00"), ("12:30", "17:00"))],
    "jonas": [(weekday, "10:00", "18:00") for weekday in TUESDAY_TO_SATURDAY],
    "sofie": [*((weekday, "08:00", "14:00") for weekday in (0, 2, 3, 4)), (3, "16:00", "20:00")],
}


async def load(session: AsyncSession) -> bool:
    """Returns False, and changes nothing, if there are working hours already."""
    if (await session.execute(select(working_hours.c.id).limit(1))).first():
        return False
    for name, week in WEEKS.items():
        rows = [
            Hours(weekday, time.fromisoformat(starts), time.fromisoformat(ends), today())
            for weekday, starts, ends in week
        ]
        await set_hours(session, uuid5(NAMESPACE_DNS, f"{name}@loctician.example"), rows)
    return True
