"""The salon's horizon: a start exactly at its end is within it, for every call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.clock import to_copenhagen
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    STYLING,
    OpenOn,
    SetClock,
    SignIn,
    booking_body,
    set_rules,
)

GRID = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)
# An ordinary day, and the days after both changes of the clock, on which the local time of the horizon differs.
NOWS = [
    datetime(2027, 6, 8, 8, tzinfo=UTC),
    datetime(2027, 3, 26, 8, tzinfo=UTC),
    datetime(2027, 10, 29, 8, tzinfo=UTC),
]
DAYS = 3


@pytest.fixture(params=NOWS, ids=["summer", "spring", "autumn"])
async def end(
    request: pytest.FixtureRequest, salon: Any, open_on: OpenOn, set_clock: SetClock, sign_in: SignIn
) -> datetime:
    """The end of the horizon; Amina is open around it."""
    now: datetime = request.param
    await set_clock(now)
    await set_rules(sign_in, horizon_days=DAYS)
    end = now + timedelta(days=DAYS)
    for offset in (-1, 0, 1):
        await open_on(to_copenhagen(end).date() + timedelta(days=offset), ("00:00", "23:59"))
    return end


async def check(client: httpx.AsyncClient, start: datetime) -> Any:
    body = booking_body(start, STYLING)
    return (await client.post("/api/v1/bookings/check-availability", json=body)).json()["reason"]


async def slots(client: httpx.AsyncClient, start: datetime, end: datetime) -> list[datetime]:
    params: dict[str, Any] = {
        "service_id": str(STYLING), "loctician_id": str(AMINA), "from": start.isoformat(), "to": end.isoformat(),
    }  # fmt: skip
    items = (await client.get("/api/v1/slots", params=params)).json()["items"]
    return [datetime.fromisoformat(item["start"]) for item in items]


class TestEnd:
    async def test_is_the_last_start_of_search_and_check(self, client: httpx.AsyncClient, end: datetime) -> None:
        found = await slots(client, end - timedelta(hours=1), end + timedelta(hours=1))
        assert found[-1] == end
        for start in (end - GRID, end):
            assert await check(client, start) is None, start
        assert await check(client, end + GRID) == "too_far_ahead"
        assert await check(client, end + MICROSECOND) == "too_far_ahead"

    async def test_can_be_held_and_booked(self, sign_in: SignIn, end: datetime) -> None:
        customer = sign_in()
        assert (await customer.post("/bookings/holds", booking_body(end, STYLING))).status_code == 201
        assert (await customer.post("/bookings", booking_body(end, STYLING))).status_code == 201
        late = booking_body(end + GRID, STYLING)
        for path in ("/bookings", "/bookings/holds"):
            refused = await sign_in().post(path, late)
            assert (refused.status_code, refused.json()["code"]) == (422, "too_far_ahead")

    async def test_is_among_the_alternatives(self, client: httpx.AsyncClient, end: datetime) -> None:
        body = booking_body(end + GRID, STYLING)
        answer = (await client.post("/api/v1/bookings/check-availability", json=body)).json()
        assert datetime.fromisoformat(answer["alternatives"][0]["start"]) == end

    async def test_moves_on_with_the_clock(self, client: httpx.AsyncClient, end: datetime, set_clock: SetClock) -> None:
        await set_clock(end - timedelta(days=DAYS) - MICROSECOND)
        assert await check(client, end) == "too_far_ahead"
        assert (await slots(client, end - timedelta(hours=1), end + timedelta(hours=1)))[-1] == end - GRID
        await set_clock(end - timedelta(days=DAYS) + MICROSECOND)
        assert await check(client, end) is None
        assert (await slots(client, end - timedelta(hours=1), end + timedelta(hours=1)))[-1] == end

    async def test_holds_for_series(self, sign_in: SignIn, end: datetime, open_on: OpenOn) -> None:
        first = to_copenhagen(end)
        await open_on((first + timedelta(weeks=1)).date(), ("00:00", "23:59"))
        body = booking_body(end, STYLING) | {"every_weeks": 1, "times": 2}
        items = (await sign_in().post("/bookings/series", body)).json()["items"]
        assert [item["reason"] for item in items] == [None, "too_far_ahead"]
