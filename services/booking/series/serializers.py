"""The form of series in answers."""

from services.booking.bookings.serializers import booking
from services.booking.serializers import Answer, instant
from shared.identity.principals import Principal


def series(row: Answer, principal: Principal, language: str) -> Answer:
    return {"series_id": row["series_id"], "items": [_date(item, principal, language) for item in row["items"]]}


def _date(item: Answer, principal: Principal, language: str) -> Answer:
    return {
        "start": instant(item["start"]),
        "booking": booking(item["booking"], principal, language) if item["booking"] else None,
        "reason": item["reason"],
    }
