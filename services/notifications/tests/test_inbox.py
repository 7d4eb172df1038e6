"""Each person can read only their own in-app inbox, through the API and in the database."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.roles import Role
from services.notifications.tests.conftest import AMINA, KIRSTEN, booking
from shared.database.session import Database, transaction
from shared.identity.principals import ANONYMOUS_CLAIMS, Claims
from shared.testing.types import Deliver, Headers

INBOX = "/api/v1/notifications"


async def inbox(client: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(INBOX, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.usefixtures("salon")
class TestInbox:
    async def test_each_person_sees_their_own_notices_in_the_requested_language(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        data = booking()
        await deliver("booking.created.v1", data, version=1)
        [mine] = await inbox(client, auth_headers(Role.CUSTOMER, KIRSTEN) | {"Accept-Language": "en"})
        [hers] = await inbox(client, auth_headers(Role.LOCTICIAN, AMINA))
        assert mine["title"] == "Your appointment on Monday 3 March 2031 at 10:00 is booked"
        assert hers["title"] == "Ny booking mandag den 3. marts 2031 kl. 10.00"
        assert mine["data"]["booking_id"] == data["booking_id"]
        assert mine["data"]["start"] == "2031-03-03T10:00:00+01:00"
        assert mine["read_at"] is None
        assert await inbox(client, auth_headers(Role.CUSTOMER)) == []

    async def test_the_time_of_the_first_reading_is_kept(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        headers = auth_headers(Role.CUSTOMER, KIRSTEN)
        [notice] = await inbox(client, headers)
        first = (await client.post(f"{INBOX}/{notice['id']}/read", headers=headers)).json()["read_at"]
        again = (await client.post(f"{INBOX}/{notice['id']}/read", headers=headers)).json()["read_at"]
        assert first
        assert first == again

    async def test_nobody_can_mark_another_persons_notice_as_read(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        [notice] = await inbox(client, auth_headers(Role.CUSTOMER, KIRSTEN))
        for headers in (auth_headers(Role.CUSTOMER), auth_headers(Role.ADMIN), auth_headers(Role.LOCTICIAN, AMINA)):
            assert (await client.post(f"{INBOX}/{notice['id']}/read", headers=headers)).status_code == 404
        assert (await inbox(client, auth_headers(Role.CUSTOMER, KIRSTEN)))[0]["read_at"] is None

    async def test_the_inbox_needs_a_token(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(INBOX)).status_code == 401

    @pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "0"}, {"limit": "1000"}, {"cursor": "!"}])
    async def test_bad_queries_are_422(
        self, query: dict[str, str], client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        answer = await client.get(INBOX, headers=auth_headers(Role.CUSTOMER), params=query)
        assert answer.status_code == 422


@pytest.mark.usefixtures("salon")
class TestRowLevelSecurity:
    async def _seen(self, database: Database, claims: Claims, table: str) -> int:
        async with transaction(database, claims) as session:
            result = await session.execute(text(f"SELECT count(*) FROM notifications.{table}"))
            return int(result.scalar_one())

    async def test_the_database_shows_each_person_their_own_notices_only(
        self, database: Database, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await deliver("booking.created.v1", booking(customer_id=str(uuid4())), version=1)
        expected = {("customer", KIRSTEN): 1, ("loctician", AMINA): 2, ("customer", uuid4()): 0, ("admin", uuid4()): 0}
        for (role, sub), count in expected.items():
            assert await self._seen(database, Claims(role, sub), "notices") == count
        assert await self._seen(database, ANONYMOUS_CLAIMS, "notices") == 0

    async def test_addresses_and_deliveries_are_hidden_from_customers(
        self, database: Database, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        for claims in (Claims("customer", uuid4()), Claims("loctician", uuid4()), ANONYMOUS_CLAIMS):
            for table in ("contacts", "deliveries", "loctician_names"):
                assert await self._seen(database, claims, table) == 0
        assert await self._seen(database, Claims("staff", uuid4()), "deliveries") == 2
        assert await self._seen(database, Claims("staff", uuid4()), "contacts") == 0

    async def test_a_connection_carries_no_claim_into_the_next_transaction(
        self, database: Database, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await self._seen(database, Claims("customer", KIRSTEN), "notices")
        for _ in range(20):
            [row] = await database.call(text("SELECT count(*) FROM notifications.notices"))
            assert row[0] == 0
