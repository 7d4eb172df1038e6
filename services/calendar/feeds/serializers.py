"""Feeds as responses show them."""

from domain.clock import to_copenhagen
from services.calendar.rows import Row


def feed(row: Row) -> dict[str, str]:
    """Without the secret address."""
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "created_at": to_copenhagen(row["created_at"]).isoformat(),
    }
