"""From rows to what the HTTP API answers. Ids become text here: the driver's own UUID class is foreign to orjson."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from shared.schemas import Money, copenhagen

Answer = dict[str, Any]


@lru_cache(maxsize=4096)
def money(amount: int, language: str) -> Answer:
    return Money.of(amount, language).model_dump()


def instant(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    return copenhagen(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def slot(
    start: datetime | str, end: datetime | str, loctician: Any, treatment_ids: Sequence[UUID], price: int, language: str
) -> Answer:
    return {
        "start": instant(start),
        "end": instant(end),
        "loctician_id": str(loctician),
        "service_ids": treatment_ids,
        "price": money(price, language),
    }


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


def treatment(row: Any, language: str) -> Answer:
    return {
        "id": str(row.id),
        "name": row.translations[language]["name"],
        "description": row.translations[language]["description"],
        "category": row.category,
        "duration_minutes": row.duration_minutes,
        "price": money(row.price_amount, language),
        "loctician_ids": [str(one) for one in row.loctician_ids],
        "translations": row.translations,
        "version": row.version,
    }


def loctician(row: Any, language: str) -> Answer:
    return {
        "id": str(row.loctician_id),
        "display_name": row.display_name,
        "bio": row.bio,
        "treatments": [
            {
                "service_id": one["service_id"],
                "duration_minutes": one["duration_minutes"],
                "price": money(one["price_amount"], language),
            }
            for one in row.treatments or []
        ],
        "version": row.version,
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
