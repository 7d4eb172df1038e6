from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.calendar.hours.expansion import danish_holidays
from services.calendar.local_time import today
from services.calendar.main import SERVICE
from shared.http.app import Service

AMINA, JONAS, CUSTOMER = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
BOOKING, ITEM, TREATMENT = UUID(int=1), UUID(int=2), UUID(int=3)
WEEK = {"hours": [{"weekday": n, "start": "09:00", "end": "17:00"} for n in range(7)]}


@pytest.fixture
def service() -> Service:
    return SERVICE


def open_day() -> date:
    """A weekday within a month that is neither a holiday nor a clock change."""
    days = (today() + timedelta(days=n) for n in range(3, 30))
    return next(day for day in days if day not in danish_holidays(day.year) and day.weekday() < 5)


def user_state(user_id: UUID, *, version: int = 1, role: str = "customer", **changes: Any) -> dict[str, Any]:
    """What calendar reads from any of auth's events about a user."""
    return {"user_id": str(user_id), "version": version, "language": "da", "role": role, "active": True, **changes}


def booking(start: str, end: str, version: int = 1, status: str = "confirmed") -> dict[str, Any]:
    item = {"item_id": str(ITEM), "service_id": str(TREATMENT), "loctician_id": str(AMINA), "price_amount": 64900}
    times = {"start": start, "end": end}
    return {
        "booking_id": str(BOOKING), "status": status, "customer_id": str(CUSTOMER), "version": version, **times,
        "price_amount": 64900, "currency": "DKK", "items": [item | times], "reason": None, "previous_start": None,
    }  # fmt: skip
