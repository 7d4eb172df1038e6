"""The form of profiles in answers."""

from typing import Any

from services.booking.catalog.prices import price
from services.booking.serializers import Answer


def loctician(row: Any, language: str) -> Answer:
    return {
        "id": str(row.loctician_id),
        "display_name": row.display_name,
        "bio": row.bio,
        "portfolio_links": row.portfolio_links,
        "picture": next(iter(row.profile_pictures), None),
        "treatments": [_offer(offer, language) for offer in row.treatments or []],
        "active": row.active,
        "version": row.version,
    }


def _offer(offer: Answer, language: str) -> Answer:
    return {
        "service_id": offer["service_id"],
        "duration_minutes": offer["duration_minutes"],
        "price": price(offer["price_amount"], language),
        "own_price": offer["own_price"],
        "own_duration": offer["own_duration"],
    }
