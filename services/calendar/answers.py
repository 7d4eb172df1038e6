"""Rows as answers give them."""

from typing import Any
from urllib.parse import urlsplit

from domain.clock import copenhagen
from services.calendar.queries.common import Row
from services.calendar.spans import Window


def span(part: Window) -> dict[str, str]:
    return {"start": copenhagen(part[0]).isoformat(), "end": copenhagen(part[1]).isoformat()}


def appointment(row: Row) -> dict[str, str]:
    return {
        "booking_id": str(row["booking_id"]),
        "item_id": str(row["item_id"]),
        "service_id": str(row["treatment_id"]),
        "customer_id": str(row["customer_id"]),
        **span((row["starts_at"], row["ends_at"])),
        "status": row["status"],
    }


def absence(row: Row) -> dict[str, str]:
    """Time off."""
    return {"id": str(row["id"]), **span((row["starts_at"], row["ends_at"]))}


def weekly(row: Row) -> dict[str, Any]:
    return {**row, "starts": f"{row['starts']:%H:%M}", "ends": f"{row['ends']:%H:%M}"}


def override(row: Row) -> dict[str, Any]:
    windows = [{"starts": starts, "ends": ends} for starts, ends in row["windows"]]
    return {"date": row["day"].isoformat(), "windows": windows, "reason": row["reason"]}


def imported(row: Row) -> dict[str, Any]:
    """An imported calendar. Of its address the host only: the rest of it often lets anybody read the calendar."""
    return {
        "id": str(row["id"]),
        "host": urlsplit(row["url"]).hostname if row["url"] else None,
        "status": row["status"],
        "problem": row["problem"],
        "busy_times": len(row["busy"]),
        "covers_until": row["covers_until"] and row["covers_until"].isoformat(),
        "checked_at": row["checked_at"] and copenhagen(row["checked_at"]).isoformat(),
        "created_at": copenhagen(row["created_at"]).isoformat(),
    }


def feed(row: Row) -> dict[str, str]:
    """A feed without its address, which is told only once."""
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "created_at": copenhagen(row["created_at"]).isoformat(),
    }
