"""Appointments and spans of time as responses show them."""

from domain.clock import to_copenhagen
from services.calendar.intervals import Interval
from services.calendar.rows import Row


def span(interval: Interval) -> dict[str, str]:
    return {"start": to_copenhagen(interval[0]).isoformat(), "end": to_copenhagen(interval[1]).isoformat()}


def appointment(row: Row) -> dict[str, str]:
    return {
        "booking_id": str(row["booking_id"]),
        "item_id": str(row["item_id"]),
        "service_id": str(row["treatment_id"]),
        "customer_id": str(row["customer_id"]),
        **span((row["starts_at"], row["ends_at"])),
        "status": row["status"],
    }
