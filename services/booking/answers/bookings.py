from typing import Any

from services.booking.answers.common import Answer, instant, money


def booking(row: Answer, language: str) -> Answer:
    return {
        "id": row["id"],
        "status": row["status"],
        "start": instant(row["start"]),
        "end": instant(row["end"]),
        "customer_id": row["customer_id"],
        "price": money(row["price_amount"], language),
        "notes": row["notes"],
        "version": row["version"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
        "cancelled_at": instant(row["cancelled_at"]),
        "items": [_item(one, language) for one in row["items"]],
    }


def _item(row: Answer, language: str) -> Answer:
    return {
        "service_id": row["service_id"],
        "loctician_id": row["loctician_id"],
        "start": instant(row["start"]),
        "end": instant(row["end"]),
        "price": money(row["price_amount"], language),
    }


def change(row: Any, *, show_actor: bool) -> Answer:
    return {
        "at": instant(row.at),
        "change": row.change,
        "status": row.status,
        "version": row.version,
        "actor_role": row.actor_role,
        "actor_id": str(row.actor_id) if show_actor and row.actor_id else None,
    }
