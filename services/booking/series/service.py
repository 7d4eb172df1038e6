"""Series: the same appointment every few weeks."""

from datetime import datetime, timedelta

from domain.clock import to_copenhagen
from services.booking.customers.service import customer_for, loctician_for
from services.booking.errors import NothingBooked
from services.booking.serializers import Answer
from services.booking.series import queries, serializers
from services.booking.series.schemas import SeriesRequest
from services.booking.sql_calls import call, idempotency
from shared.database.session import Database
from shared.identity.principals import Principal
from shared.messaging.events import new_id


async def book(
    database: Database,
    principal: Principal,
    request: SeriesRequest,
    key: str | None,
    language: str,
    *,
    require_verified: bool,
) -> Answer:
    """Books each date by itself. Raises NothingBooked with the reasons if no date can be booked."""
    arguments = request.model_dump() | {
        "customer_id": customer_for(principal, request.customer_id),
        "loctician_id": loctician_for(principal, request.loctician_id),
        "starts": starts_of(request),
        "require_verified": require_verified,
        "series_id": new_id(),
        **idempotency("series", key, request),
    }
    row = await call(database, principal, queries.BOOK_SERIES, arguments)
    series = serializers.series(row, principal, language)
    if all(date["booking"] is None for date in series["items"]):
        raise NothingBooked(extensions={"items": series["items"]})
    return series


def starts_of(request: SeriesRequest) -> list[datetime]:
    """The same local time in Copenhagen on each date, also after the clock has changed."""
    first = to_copenhagen(request.start)
    return [first + timedelta(weeks=request.every_weeks * number) for number in range(request.times)]
