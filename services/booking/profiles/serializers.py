from typing import Any

from services.booking.money import price
from services.booking.serializers import Answer


def loctician(row: Any, language: str) -> Answer:
    return {
        "id": str(row.loctician_id),
        "display_name": row.display_name,
        "bio": row.bio,
        "portfolio_links": row.portfolio_links,
        "treatments": [
            {
                "service_id": one["service_id"],
                "duration_minutes": one["duration_minutes"],
                "price": price(one["price_amount"], language),
                "own_price": one["own_price"],
                "own_duration": one["own_duration"],
            }
            for one in row.treatments or []
        ],
        "active": row.active,
        "version": row.version,
    }
