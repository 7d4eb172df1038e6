"""Series: the same appointment every few weeks."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.clock import to_copenhagen, to_utc
from services.booking.bookings import service as bookings
from services.booking.customers.service import customer_for, loctician_for
from services.booking.errors import AlreadyStarted, NothingBooked, WrongStatus
from services.booking.serializers import Answer, instant
from services.booking.series import queries, serializers
from services.booking.series.schemas import SeriesRequest
from services.booking.sql_calls import call, idempotency
from shared.database.session import Database
from shared.errors import NotFound
from shared.identity.principals import Principal
from shared.messaging.events import new_id

OPEN = ("pending", "confirmed")


async def book(
    database: Database,
    principal: Principal,
    request: SeriesRequest,
    key: str | None,
    language: str,
) -> Answer:
    """Books each date by itself. Raises NothingBooked with the reasons if no date can be booked."""
    arguments = request.model_dump() | {
        "customer_id": customer_for(principal, request.customer_id),
        "loctician_id": loctician_for(principal, request.loctician_id),
        "starts": starts_of(request),
        "series_id": new_id(),
        **idempotency("series", key, request),
    }
    row = await call(database, principal, queries.BOOK_SERIES, arguments)
    series = serializers.series(row, principal, language)
    if all(date["booking"] is None for date in series["items"]):
        raise NothingBooked(items=series["items"])
    return series


def starts_of(request: SeriesRequest) -> list[datetime]:
    """The same local time in Copenhagen on each date, also after the clock has changed.

    A time that the clock skips or repeats on a date after the first is read as calendar reads openings.
    """
    first = to_copenhagen(request.start)
    dates = (first.date() + timedelta(weeks=request.every_weeks * number) for number in range(1, request.times))
    return [first, *(to_copenhagen(to_utc(day, first.time())) for day in dates)]


async def cancel(
    database: Database,
    principal: Principal,
    series_id: UUID,
    start: datetime | None,
    reason: str | None,
    language: str,
) -> Answer:
    """Cancels the coming dates that begin at `start` or later. Raises NotFound if the caller sees no date of it."""
    rows = await bookings.find_series(database, principal, series_id)
    since = max(datetime.now(UTC), start or datetime.min.replace(tzinfo=UTC))
    coming = [row for row in rows if row["status"] in OPEN and datetime.fromisoformat(row["start"]) >= since]
    items = [await _cancel_date(database, principal, row, reason, language) for row in coming]
    return {"series_id": str(series_id), "items": items}


async def _cancel_date(
    database: Database, principal: Principal, row: Answer, reason: str | None, language: str
) -> Answer:
    try:
        booking = await bookings.cancel(database, principal, UUID(row["id"]), reason, None, language)
    except (WrongStatus, AlreadyStarted, NotFound) as error:
        return {"start": instant(row["start"]), "booking": None, "reason": error.code}
    return {"start": booking["start"], "booking": booking, "reason": None}
