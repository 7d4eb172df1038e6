from services.booking.answers.common import Answer, instant, price
from services.booking.answers.slots import shared_items


def hold(row: Answer, language: str) -> Answer:
    start = instant(row["start"])
    return {
        "id": row["id"],
        "service_ids": row["service_ids"],
        "loctician_id": row["loctician_id"],
        "start": start,
        "end": instant(row["end"]),
        "price": price(row["price_amount"], language),
        "expires_at": instant(row["expires_at"]),
    } | shared_items(start, row["parts"])


def waiting(row: Answer, language: str) -> Answer:
    offer = row["offer"]
    return row | {
        "created_at": instant(row["created_at"]),
        "offer": None
        if offer is None
        else {
            "hold_id": offer["hold_id"],
            "start": instant(offer["start"]),
            "end": instant(offer["end"]),
            "loctician_id": offer["loctician_id"],
            "price": price(offer["price_amount"], language),
            "expires_at": instant(offer["expires_at"]),
        },
    }
