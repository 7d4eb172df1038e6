from domain.clock import to_copenhagen
from services.calendar.rows import Row


def feed(row: Row) -> dict[str, str]:
    """A feed without its address, which is told only once."""
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "created_at": to_copenhagen(row["created_at"]).isoformat(),
    }
