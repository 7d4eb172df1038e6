"""The salon's reads of deliveries are audited, by ids only."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.roles import Role
from services.notifications.tests.conftest import AMINA, KIRSTEN, Rows, booking
from shared.testing.types import Deliver, Headers, Outbox

PATH = "/api/v1/notifications/deliveries"


async def reads(outbox: Outbox) -> list[dict[str, Any]]:
    return [row for row in await outbox() if row["type"] == "access.read.v1"]


@pytest.fixture
async def created_booking(deliver: Deliver, salon: None) -> None:
    await deliver("booking.created.v1", booking(), version=1)


@pytest.mark.usefixtures("created_booking")
class TestAudit:
    @pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
    async def test_listing_deliveries_is_audited_with_the_recipients(
        self, role: Role, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        reader = uuid4()
        assert (await client.get(PATH, headers=auth_headers(role, reader))).status_code == 200
        [read] = await reads(outbox)
        assert (read["actorid"], read["actorrole"], read["data"]["resource"]) == (str(reader), role, "deliveries")
        assert {UUID(id_) for id_ in read["data"]["subject_ids"]} == {KIRSTEN, AMINA}
        assert "Kirsten" not in str(read)
        assert "@" not in str(read["data"])

    async def test_listing_one_persons_deliveries_is_audited_with_that_person(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        await client.get(PATH, params={"recipient_id": str(KIRSTEN)}, headers=auth_headers(Role.STAFF))
        [read] = await reads(outbox)
        assert (read["subject"], read["data"]["subject_ids"]) == (str(KIRSTEN), [])

    async def test_sending_a_delivery_again_is_audited(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox, rows: Rows
    ) -> None:
        [hers] = [row for row in await rows("deliveries") if row["recipient_id"] == KIRSTEN]
        answer = await client.post(f"{PATH}/{hers['id']}/resend", headers=auth_headers(Role.STAFF))
        assert answer.status_code == 202
        [read] = await reads(outbox)
        assert read["subject"] == str(KIRSTEN)

    async def test_reads_that_show_nothing_or_are_refused_are_not_audited(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        await client.get(PATH, params={"status": "failed"}, headers=auth_headers(Role.STAFF))
        assert (await client.get(PATH, headers=auth_headers(Role.CUSTOMER, KIRSTEN))).status_code == 403
        assert (await client.post(f"{PATH}/{uuid4()}/resend", headers=auth_headers(Role.STAFF))).status_code == 404
        assert await reads(outbox) == []
