"""Working hours and overrides as responses show them."""

from typing import Any

from services.calendar.hours.schemas import end_of
from services.calendar.rows import Row


def hours(row: Row) -> dict[str, Any]:
    return {**row, "starts": f"{row['starts']:%H:%M}", "ends": end_of(row["ends"])}


def override(row: Row) -> dict[str, Any]:
    windows = [{"starts": starts, "ends": ends} for starts, ends in row["windows"]]
    return {"date": row["day"].isoformat(), "windows": windows, "reason": row["reason"]}
