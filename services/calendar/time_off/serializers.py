from services.calendar.appointments.serializers import span
from services.calendar.rows import Row


def absence(row: Row) -> dict[str, str]:
    """Time off."""
    return {"id": str(row["id"]), **span((row["starts_at"], row["ends_at"]))}
