"""What calendar publishes. Instants are UTC."""

import datetime as dt
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events import Event

LOCTICIAN = "01936d5e-8d3e-7000-8000-0000000000d1"
TIME_OFF: dict[str, Any] = {
    "version": 1,
    "time_off_id": "01936d5e-8d3e-7000-8000-0000000000f1",
    "loctician_id": LOCTICIAN,
    "start": "2026-03-02T11:00:00Z",
    "end": "2026-03-02T14:00:00Z",
}


class Window(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    start: dt.datetime
    end: dt.datetime


class Day(BaseModel):
    """All windows of a date in Copenhagen; none means closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: dt.date
    windows: list[Window]


class WindowsChanged(Event, type="calendar.windows_changed.v1", subject="loctician_id"):
    """Only the days that changed."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "loctician_id": LOCTICIAN,
        "days": [
            {"date": "2026-03-02", "windows": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T16:00:00Z"}]},
            {"date": "2026-03-03", "windows": []},
        ],
    }

    loctician_id: UUID
    days: list[Day]


class TimeOffEvent(Event):
    time_off_id: UUID
    loctician_id: UUID
    start: dt.datetime
    end: dt.datetime


class TimeOffAdded(TimeOffEvent, type="calendar.time_off_added.v1", subject="time_off_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TIME_OFF


class TimeOffRemoved(TimeOffEvent, type="calendar.time_off_removed.v1", subject="time_off_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = TIME_OFF | {"version": 2}
