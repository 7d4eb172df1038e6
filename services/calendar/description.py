"""What the API's description says of calendar, beside what its endpoints tell themselves."""

from services.calendar.errors import (
    AddressRefused,
    AppointmentsInTheWay,
    BadForm,
    CalendarTooLarge,
    HoursOverlap,
    LimitReached,
    NotACalendar,
    RangeTooLong,
    UnsupportedMedia,
    VersionRequired,
)
from shared.openapi.descriptions import CACHE_CONTROL, ETAG, LAST_MODIFIED, LOCATION, Description, told

OPERATIONS = {
    "list_holidays": told("List the Danish public holidays"),
    "get_calendar": told("Read a loctician's days", RangeTooLong),
    "read_feed": told("Subscribe to a calendar", sends=(ETAG, LAST_MODIFIED, CACHE_CONTROL)),
    "create_feed": told("Make a calendar's secret address", sends=(CACHE_CONTROL,)),
    "get_feed": told("Ask whether there is a calendar address"),
    "revoke_feed": told("End a calendar's secret address"),
    "get_working_hours": told("Read the weekly working hours", sends=(ETAG,)),
    "put_working_hours": told("Replace the weekly working hours", HoursOverlap, VersionRequired, sends=(ETAG,)),
    "list_overrides": told("List the dates with other hours"),
    "put_override": told("Give a date other hours, or close it", LimitReached),
    "remove_override": told("Give a date its usual hours back"),
    "add_time_off": told("Take time off", AppointmentsInTheWay, LimitReached, sends=(LOCATION,)),
    "list_time_off": told("List time off"),
    "remove_time_off": told("Take time off back"),
    "add_import": told(
        "Take another calendar's times as busy",
        AddressRefused,
        BadForm,
        CalendarTooLarge,
        LimitReached,
        NotACalendar,
        UnsupportedMedia,
    ),
    "list_imports": told("List the imported calendars"),
    "remove_import": told("Forget an imported calendar"),
}

EXAMPLES = {
    "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01",
    "loctician_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b03",
    "starts": "09:00",
    "ends": "17:00",
    "valid_from": None,
    "valid_until": None,
    "end": "2026-09-18T17:00:00+02:00",
    "to": "2026-09-21",
    "OverrideRequest": {"windows": [{"starts": "10:00", "ends": "14:00"}], "reason": None},
    "Override": {"date": "2026-09-14", "windows": [{"starts": "10:00", "ends": "14:00"}], "reason": None},
    "name": "Juledag",
    "host": "calendar.example.com",
    "problem": None,
    "status": "current",
    "closed_for": None,
    "token": "0196b6a07c1e7b529d0a3f6f0f1c2c01.c2lnbmF0dXJl",
    "url": "https://calendar.example.com/amina.ics",
    "NewFeed": {
        "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01",
        "kind": "loctician",
        "created_at": "2026-09-14T10:00:00+02:00",
        "token": "0196b6a07c1e7b529d0a3f6f0f1c2c01.c2lnbmF0dXJl",
        "url": "https://loctician.example/api/v1/calendar/feeds/0196b6a07c1e7b529d0a3f6f0f1c2c01.c2lnbmF0dXJl.ics",
    },
    "year": 2026,
    "view": "week",
    "if-none-match": '"9f2c"',
    "If-Match": '"1"',
    "Idempotency-Key": "5f1c8a52-time-off",
}

DESCRIPTION = Description(
    "When a loctician works: hours, time off, holidays, other calendars, and calendars to subscribe to.",
    OPERATIONS,
    EXAMPLES,
)
