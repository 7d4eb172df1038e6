"""Working hours and overrides as responses show them."""

from typing import Any

from services.calendar.hours.schemas import end_of
from services.calendar.rows import Row


def hours(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in ("weekday", "valid_from", "valid_to")}
    return shown | {"start": f"{row['starts']:%H:%M}", "end": end_of(row["ends"])}


def override(row: Row) -> dict[str, Any]:
    windows = [{"start": starts, "end": ends} for starts, ends in row["windows"]]
    return {"date": row["day"].isoformat(), "windows": windows, "reason": row["reason"]}
