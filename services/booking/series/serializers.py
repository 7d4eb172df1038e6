from services.booking.bookings.serializers import booking
from services.booking.serializers import Answer, instant
from shared.identity.principals import Principal


def series(row: Answer, who: Principal, language: str) -> Answer:
    return {
        "series_id": row["series_id"],
        "items": [
            {
                "start": instant(one["start"]),
                "booking": booking(one["booking"], who, language) if one["booking"] else None,
                "reason": one["reason"],
            }
            for one in row["items"]
        ],
    }
