"""What staff and admins read of a calendar is audited, by id alone."""

from uuid import UUID, uuid4

import httpx
import pytest

from services.calendar.tests.conftest import AMINA, CUSTOMER
from services.calendar.tests.feeds import NAMED, at, booked
from shared.testing.types import Deliver, Headers, Outbox

URL = f"/api/v1/calendar/{AMINA}"


@pytest.fixture
async def salon(deliver: Deliver) -> None:
    await deliver("loctician.updated.v1", NAMED)
    for _ in range(2):
        await deliver("booking.created.v1", booked(at(2)))


@pytest.mark.usefixtures("salon")
class TestReadAudit:
    @pytest.mark.parametrize("role", ["staff", "admin"])
    async def test_a_read_by_the_salon_names_the_loctician_and_the_customers(
        self, role: str, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        reader = uuid4()
        assert (await client.get(URL, headers=auth_headers(role, reader))).status_code == 200
        (event,) = await outbox()
        assert (event["type"], event["actorid"], event["actorrole"]) == ("access.read.v1", str(reader), role)
        assert event["data"]["resource"] == "calendar"
        assert {UUID(subject_id) for subject_id in event["data"]["subject_ids"]} == {AMINA, CUSTOMER}
        assert "Amina" not in str(event)

    async def test_a_read_of_an_empty_day_names_the_loctician_alone(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        await client.get(URL, params={"view": "day"}, headers=auth_headers("staff"))
        (event,) = await outbox()
        assert (event["data"]["subject_id"], event["data"]["subject_ids"]) == (str(AMINA), [])

    async def test_reads_of_ones_own_calendar_and_refused_reads_are_not_audited(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        assert (await client.get(URL, headers=auth_headers("loctician", AMINA))).status_code == 200
        assert (await client.get(URL, headers=auth_headers("loctician"))).status_code == 404
        assert (await client.get(URL, headers=auth_headers("customer"))).status_code == 403
        assert await outbox() == []
