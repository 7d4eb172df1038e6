"""Imported calendars as responses show them."""

from typing import Any
from urllib.parse import urlsplit

from domain.clock import to_copenhagen
from services.calendar.rows import Row


def imported_calendar(row: Row) -> dict[str, Any]:
    """Shows the address's host only, because the full address often lets anyone read the calendar."""
    return {
        "id": str(row["id"]),
        "host": urlsplit(row["url"]).hostname if row["url"] else None,
        "status": row["status"],
        "problem": row["problem"],
        "busy_times": len(row["busy"]),
        "covers_until": row["covers_until"] and row["covers_until"].isoformat(),
        "checked_at": row["checked_at"] and to_copenhagen(row["checked_at"]).isoformat(),
        "created_at": to_copenhagen(row["created_at"]).isoformat(),
    }
