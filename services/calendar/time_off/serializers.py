"""Time off as responses show it."""

from services.calendar.appointments.serializers import span
from services.calendar.rows import Row


def time_off(row: Row) -> dict[str, str]:
    return {"id": str(row["id"]), **span((row["starts_at"], row["ends_at"]))}
