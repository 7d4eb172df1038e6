from services.booking.answers.common import Answer, instant, price
from services.booking.answers.slots import shared_items


def hold(row: Answer, language: str) -> Answer:
    return {"id": row["id"], "service_ids": row["service_ids"]} | _kept(row, language)


def _kept(row: Answer, language: str) -> Answer:
    start = instant(row["start"])
    return {
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
        "offer": None if offer is None else {"hold_id": offer["id"]} | _kept(offer, language),
    }
