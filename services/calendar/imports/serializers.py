"""Imported calendars as responses show them."""

from typing import Any
from urllib.parse import urlsplit

from domain.clock import to_copenhagen
from services.calendar.imports.problem_texts import error_text, unclear_text
from services.calendar.rows import Row


def imported_calendar(row: Row, language: str) -> dict[str, Any]:
    """Shows the address's host only, because the full address often lets anyone read the calendar."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "host": host_of(row),
        "status": row["status"],
        "problem": row["problem"],
        "problem_text": error_text(row, language),
        "first_failed_at": row["first_failed_at"] and to_copenhagen(row["first_failed_at"]).isoformat(),
        "problems": [
            {"code": code, "count": count, "text": unclear_text(code, count, language)}
            for code, count in sorted(row["unclear"].items())
        ],
        "busy_times": len(row["busy"]),
        "valid_to": row["valid_to"] and row["valid_to"].isoformat(),
        "checked_at": row["checked_at"] and to_copenhagen(row["checked_at"]).isoformat(),
        "created_at": to_copenhagen(row["created_at"]).isoformat(),
    }


def in_language(answer: dict[str, Any], language: str) -> dict[str, Any]:
    """A new import as it was stored with its key, with the texts in the language of this call."""
    parts = [{**part, "text": unclear_text(part["code"], part["count"], language)} for part in answer["problems"]]
    return {**answer, "problems": parts}


def host_of(row: Row) -> str | None:
    return urlsplit(row["url"]).hostname if row["url"] else None
