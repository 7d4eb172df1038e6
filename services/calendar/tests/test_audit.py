"""What the salon reads of other people is told to the audit, by id alone."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.calendar.tests.conftest import AMINA, CUSTOMER
from services.calendar.tests.feeds import NAMED, at, booked

Headers = Callable[..., dict[str, str]]
Deliver = Callable[..., Awaitable[bool]]
Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]
URL = f"/api/v1/calendar/{AMINA}"


@pytest.fixture
async def salon(deliver: Deliver) -> None:
    await deliver("loctician.updated.v1", NAMED)
    for _ in range(2):
        await deliver("booking.created.v1", booked(at(2)))


@pytest.mark.usefixtures("salon")
class TestReads:
    @pytest.mark.parametrize("role", ["staff", "admin"])
    async def test_of_a_calendar_by_the_salon_name_whose_it_is_and_who_is_booked(
        self, role: str, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        reader = uuid4()
        assert (await client.get(URL, headers=auth_headers(role, reader))).status_code == 200
        (told,) = await outbox()
        assert (told["type"], told["actorid"], told["actorrole"]) == ("access.read.v1", str(reader), role)
        assert told["data"]["what"] == "calendar"
        assert {UUID(one) for one in told["data"]["subject_ids"]} == {AMINA, CUSTOMER}
        assert "Amina" not in str(told)

    async def test_of_an_empty_day_name_the_loctician_alone(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        await client.get(URL, params={"view": "day"}, headers=auth_headers("staff"))
        (told,) = await outbox()
        assert (told["data"]["subject_id"], told["data"]["subject_ids"]) == (str(AMINA), [])

    async def test_of_the_own_calendar_and_refused_ones_are_not_told(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        assert (await client.get(URL, headers=auth_headers("loctician", AMINA))).status_code == 200
        assert (await client.get(URL, headers=auth_headers("loctician"))).status_code == 404
        assert (await client.get(URL, headers=auth_headers("customer"))).status_code == 403
        assert await outbox() == []
