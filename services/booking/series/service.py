"""Series: the same sitting every so many weeks."""

from datetime import datetime, timedelta
from typing import Any

from domain.clock import to_copenhagen
from services.booking.customers.service import chair_of, customer_of
from services.booking.errors import NothingBooked
from services.booking.series import queries, serializers
from services.booking.series.schemas import SeriesRequest
from services.booking.sql_calls import keyed, run
from shared.database.session import Database
from shared.identity.principals import Principal
from shared.messaging.events import new_id


async def book_series(
    database: Database, who: Principal, asked: SeriesRequest, key: str | None, language: str, *, require_verified: bool
) -> dict[str, Any]:
    """Each date by itself. Raises NothingBooked when none can be had, with the reasons."""
    request = asked.model_dump() | {
        "customer_id": customer_of(who, asked.customer_id),
        "loctician_id": chair_of(who, asked.loctician_id),
        "starts": dates_of(asked),
        "require_verified": require_verified,
        "series_id": new_id(),
        **keyed("series", key, asked),
    }
    series = serializers.series(await run(database, who, queries.BOOK_SERIES, request), who, language)
    if all(one["booking"] is None for one in series["items"]):
        raise NothingBooked(extensions={"items": series["items"]})
    return series


def dates_of(asked: SeriesRequest) -> list[datetime]:
    """The same hour of the clock in Copenhagen each time, whatever happens to the clock between."""
    first = to_copenhagen(asked.start)
    return [first + timedelta(weeks=asked.every_weeks * nth) for nth in range(asked.times)]
