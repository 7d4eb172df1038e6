"""Events that calendar publishes. Instants are UTC."""

import datetime as dt
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.calendar.hours.expansion import Cause
from shared.messaging.events import Event

FetchProblem = Literal["address_refused", "address_unreachable", "calendar_too_large", "not_a_calendar"]
UnclearCode = Literal[
    "cut_off", "no_events", "no_length", "no_start", "unclear_period", "unclear_rule", "unclear_time",
    "unknown_component", "unknown_time_zone",
]  # fmt: skip
LOCTICIAN = "01936d5e-8d3e-7000-8000-0000000000d1"
TIME_OFF: dict[str, Any] = {
    "version": 1,
    "time_off_id": "01936d5e-8d3e-7000-8000-0000000000f1",
    "loctician_id": LOCTICIAN,
    "start": "2026-03-02T11:00:00Z",
    "end": "2026-03-02T14:00:00Z",
}
IMPORT: dict[str, Any] = {
    "version": 1,
    "import_id": "01936d5e-8d3e-7000-8000-0000000000f2",
    "loctician_id": LOCTICIAN,
}
NAMED_IMPORT = IMPORT | {"version": 2, "name": "c2VhbGVk", "host": "calendar.example.com"}
FEED: dict[str, Any] = {
    "version": 1,
    "feed_id": "01936d5e-8d3e-7000-8000-0000000000f3",
    "owner_id": LOCTICIAN,
    "kind": "loctician",
}


class Window(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    start: dt.datetime
    end: dt.datetime


class Day(BaseModel):
    """All windows of the openings that begin on a date in Copenhagen, at most 96; they can run past midnight. Without
    windows, `closed_for` is the reason; null if there are no working hours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: dt.date
    windows: list[Window]
    closed_for: Cause | None = None


class WindowsChanged(Event, type="calendar.windows_changed.v1", subject="loctician_id"):
    """The days whose windows changed, at most 120."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "loctician_id": LOCTICIAN,
        "days": [
            {
                "date": "2026-03-02",
                "windows": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T16:00:00Z"}],
                "closed_for": None,
            },
            {"date": "2026-03-03", "windows": [], "closed_for": "time_off"},
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


class ImportEvent(Event):
    import_id: UUID
    loctician_id: UUID


class ImportAdded(ImportEvent, type="calendar.import_added.v1", subject="import_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = IMPORT


class NamedImportEvent(ImportEvent):
    """`name` is what the loctician calls the calendar, sealed with a key that only the platform's services have. `host`
    is null for a file."""

    name: str | None = None
    host: str | None = None


class UnclearPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: UnclearCode
    count: int = Field(ge=1)


class ImportIncomplete(NamedImportEvent, type="calendar.import_incomplete.v1", subject="import_id"):
    """Something in the calendar was not understood that was understood before, or was not there."""

    EXAMPLE: ClassVar[dict[str, Any]] = NAMED_IMPORT | {"problems": [{"code": "no_start", "count": 2}]}

    problems: list[UnclearPart]


class ImportFailing(NamedImportEvent, type="calendar.import_failing.v1", subject="import_id"):
    """The address has given no calendar for a day. Emitted once for each outage."""

    EXAMPLE: ClassVar[dict[str, Any]] = NAMED_IMPORT | {
        "first_failed_at": "2026-03-02T11:00:00Z",
        "problem": "address_unreachable",
        "http_status": 404,
    }

    first_failed_at: dt.datetime
    problem: FetchProblem
    http_status: int | None = None


class ImportRecovered(NamedImportEvent, type="calendar.import_recovered.v1", subject="import_id"):
    """The address gives a calendar again, after an outage of more than a day."""

    EXAMPLE: ClassVar[dict[str, Any]] = NAMED_IMPORT


class ImportRemoved(ImportEvent, type="calendar.import_removed.v1", subject="import_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = IMPORT | {"version": 2}


class FeedEvent(Event):
    """Without the token."""

    feed_id: UUID
    owner_id: UUID
    kind: Literal["loctician", "customer"]


class FeedCreated(FeedEvent, type="calendar.feed_created.v1", subject="feed_id"):
    """`by_staff`: a member of the staff made it and holds it, not the owner."""

    by_staff: bool = False
    EXAMPLE: ClassVar[dict[str, Any]] = FEED


class FeedRevoked(FeedEvent, type="calendar.feed_revoked.v1", subject="feed_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = FEED | {"version": 2}
