"""The form of bookings and their changes in answers."""

from datetime import datetime, timedelta
from typing import Any

from domain.roles import Role
from services.booking.catalog.prices import price
from services.booking.dependencies import is_staff
from services.booking.serializers import Answer, instant
from shared.identity.principals import Principal

DEFAULT_LANGUAGE = "da"
MINUTE = timedelta(minutes=1)
SHOWN_TO_CUSTOMER = ("id", "name", "phone")
SHOWN_TO_SALON = (*SHOWN_TO_CUSTOMER, "no_show_count")


def booking(row: Answer, principal: Principal, language: str) -> Answer:
    """`internal_notes` are only for staff and for the locticians of the booking, of whom each sees the own items.
    `customer` is for them and for the customer. The SQL function may have read them as the service, so that is decided
    here for every call."""
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
        "customer_inactive": row.get("customer_inactive", False),
        "series_id": row["series_id"],
        "confirm_by": instant(row.get("confirm_by")),
        "version": row["version"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
        "cancelled_at": instant(row["cancelled_at"]),
        "cancel_reason": row.get("cancel_reason"),  # an answer stored with an idempotency key may not have it
        "cancel_code": row.get("cancel_code"),
        "items": [_item(item, language) for item in row["items"] if _concerns(principal, row, item)],
    }
    performs = principal.role == Role.LOCTICIAN and str(principal.id) in row["loctician_ids"]
    if is_staff(principal) or performs:
        answer["internal_notes"] = row["internal_notes"]
        answer["customer"] = _customer(row, *SHOWN_TO_SALON, *(("email",) if is_staff(principal) else ()))
    elif row["customer_id"] == str(principal.id) and principal.limited_to is None:
        answer["customer"] = _customer(row, *SHOWN_TO_CUSTOMER)
    return answer


def _customer(row: Answer, *fields: str) -> Answer:
    """An answer stored with an idempotency key may not have the customer's name."""
    known = row.get("customer") or {"id": row["customer_id"], "no_show_count": 0}
    return {name: known.get(name) for name in fields}


def _concerns(principal: Principal, row: Answer, item: Answer) -> bool:
    own = str(principal.id)
    return principal.role != Role.LOCTICIAN or own in {item["loctician_id"], row["customer_id"]}


def _item(row: Answer, language: str) -> Answer:
    start, end = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])
    names = row.get("service_names") or {}  # an answer stored with an idempotency key may not have them
    return {
        "service_id": row["service_id"],
        "service": {
            "id": row["service_id"],
            "name": names.get(language) or names.get(DEFAULT_LANGUAGE) or "",
            "duration_minutes": (end - start) // MINUTE,
        },
        "loctician_id": row["loctician_id"],
        "loctician": {"id": row["loctician_id"], "name": row.get("loctician_name") or ""},
        "start": instant(row["start"]),
        "end": instant(row["end"]),
        "price": price(row["price_amount"], language),
    }


def change(row: Any, language: str, *, show_actor: bool) -> Answer:
    return {
        "changed_at": instant(row.at),
        "change": row.change,
        "status": row.status,
        "start": instant(row.starts_at),
        "end": instant(row.ends_at),
        "price": price(row.price_amount, language),
        "version": row.version,
        "actor_role": row.actor_role,
        "actor_id": str(row.actor_id) if show_actor and row.actor_id else None,
    }
