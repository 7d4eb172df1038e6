from html import escape
from typing import Any

from services.booking.answers.common import Answer, instant, price

MARK = {ord("\ue000"): "<mark>", ord("\ue001"): "</mark>"}


def treatment(row: Any, language: str) -> Answer:
    starts = row.processing_start_minutes
    return {
        "id": str(row.id),
        "name": row.translations[language]["name"],
        "description": row.translations[language]["description"],
        "category": row.category,
        "category_name": row.category_name,
        "duration_minutes": row.duration_minutes,
        "processing": None if starts is None else {"start_minutes": starts, "minutes": row.processing_minutes},
        "buffer_before_minutes": row.buffer_before_minutes,
        "buffer_after_minutes": row.buffer_after_minutes,
        "grid_minutes": row.grid_minutes,
        "price": price(row.price_amount, language),
        "loctician_ids": [str(one) for one in row.loctician_ids],
        "translations": row.translations,
        "active": row.active,
        "version": row.version,
    }


def found_treatment(row: Any, language: str) -> Answer:
    marked = {"name": html(row.marked_name), "description": html(row.marked_description)}
    return treatment(row, language) | {"highlight": marked}


def html(marked: str) -> str:
    """The text escaped first, whatever it holds, and then its marks as elements."""
    return escape(marked).translate(MARK)


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


def media(row: Any) -> Answer:
    return {
        "id": row.media_id,
        "kind": row.kind,
        "caption": row.caption,
        "media_url": row.media_url,
        "permalink": row.permalink,
        "thumbnail_url": row.thumbnail_url,
        "taken_at": instant(row.taken_at),
    }
