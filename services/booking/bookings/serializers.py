from typing import Any

from domain.roles import Role
from services.booking.dependencies import SALON
from services.booking.money import price
from services.booking.serializers import Answer, instant
from shared.identity.principals import Principal


def booking(row: Answer, who: Principal, language: str) -> Answer:
    answer = {
        "id": row["id"],
        "status": row["status"],
        "start": instant(row["start"]),
        "end": instant(row["end"]),
        "customer_id": row["customer_id"],
        "walk_in": row["walk_in"],
        "price": price(row["price_amount"], language),
        "notes": row["notes"],
        "conflicted": row["conflicted"],
        "series_id": row["series_id"],
        "version": row["version"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
        "cancelled_at": instant(row["cancelled_at"]),
        "cancel_reason": row.get("cancel_reason"),  # an answer kept under a key may be older than it
        "items": [_item(one, language) for one in row["items"]],
    }
    if who.role in SALON or (who.role == Role.LOCTICIAN and str(who.id) in row["loctician_ids"]):
        answer["internal_notes"] = row["internal_notes"]
    return answer


def _item(row: Answer, language: str) -> Answer:
    return {
        "service_id": row["service_id"],
        "loctician_id": row["loctician_id"],
        "start": instant(row["start"]),
        "end": instant(row["end"]),
        "price": price(row["price_amount"], language),
    }


def change(row: Any, language: str, *, show_actor: bool) -> Answer:
    return {
        "at": instant(row.at),
        "change": row.change,
        "status": row.status,
        "start": instant(row.starts_at),
        "end": instant(row.ends_at),
        "price": price(row.price_amount, language),
        "version": row.version,
        "actor_role": row.actor_role,
        "actor_id": str(row.actor_id) if show_actor and row.actor_id else None,
    }
