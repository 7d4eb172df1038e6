from typing import Any

from services.booking.answers.common import Answer, money


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
