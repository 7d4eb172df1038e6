"""The form of series in answers."""

from services.booking.bookings.serializers import booking
from services.booking.errors import CustomerOverlap
from services.booking.serializers import Answer, instant
from services.booking.slots.errors import SlotTaken
from services.booking.sql_calls import knows_customers
from shared.identity.principals import Principal


def series(row: Answer, principal: Principal, language: str) -> Answer:
    return {"series_id": row["series_id"], "items": [_date(item, principal, language) for item in row["items"]]}


def _reason(code: str | None, principal: Principal) -> str | None:
    return SlotTaken.code if code == CustomerOverlap.code and not knows_customers(principal) else code


def _date(item: Answer, principal: Principal, language: str) -> Answer:
    return {
        "start": instant(item["start"]),
        "booking": booking(item["booking"], principal, language) if item["booking"] else None,
        "reason": _reason(item["reason"], principal),
    }
