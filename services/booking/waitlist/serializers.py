"""The form of wishes in answers."""

from services.booking.holds.serializers import held_time
from services.booking.serializers import Answer, instant


def wish(row: Answer, language: str) -> Answer:
    offer = row["offer"]
    return row | {
        "created_at": instant(row["created_at"]),
        "offer": None if offer is None else {"hold_id": offer["id"]} | held_time(offer, language),
    }
