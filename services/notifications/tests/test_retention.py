"""Each policy deletes what has been kept long enough, and nothing that is still to be sent."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.main import SERVICE
from services.notifications.tests.conftest import KIRSTEN, Rows, booking
from shared.database.session import Database
from shared.testing.retention import applied, named
from shared.testing.types import Deliver, Headers

Execute = Callable[..., Awaitable[None]]
BODY = "'{}', '{}', 'all', false"
# of each table rows of an age, in an order that `id` keeps
INSERTS = {
    "deliveries": """(id, event_id, recipient_id, channel, kind, part, data, status, give_up_at, created_at)
                     VALUES (:id, :id, :id, 'mail', 'reminder', 'customer', '{"start": 1}', 'sent', :at, :at)""",
    "notices": """(user_id, id, position, event_id, kind, part, data, created_at)
                  VALUES (:id, :id, 1, :id, 'reminder', 'customer', '{}', :at)""",
    "appointments": """(booking_id, customer_id, starts_at, active, agreed_at, facts, version)
                       VALUES (:id, :id, :at, true, :at, '{}', 1)""",
    "reminders": "(id, booking_id, starts_at, hours) VALUES (:id, :id, :at, 2)",
    "broadcasts": f"(id, title, body, audience, mail, created_by, done_at) VALUES (:id, {BODY}, :id, :at)",
    "idempotency_keys": "(caller, key, request_hash, created_at) VALUES (:id, 'k', '', :at)",
}
KEYS = {"notices": "id", "appointments": "booking_id", "idempotency_keys": "caller"}


def ago(kept: timedelta) -> datetime:
    return datetime.now(UTC) - kept


@pytest.mark.parametrize("name", INSERTS)
async def test_older_rows_are_deleted_and_younger_ones_kept(
    name: str, database: Database, execute: Execute, rows: Rows
) -> None:
    policy = named(SERVICE.policies, name)
    for number, kept in ((1, policy.keep - timedelta(minutes=5)), (2, policy.keep + timedelta(minutes=5))):
        await execute(f"INSERT INTO notifications.{name} {INSERTS[name]}", id=UUID(int=number), at=ago(kept))
    assert await applied(database, policy) == 1
    key = KEYS.get(name, "id")
    assert [row[key] for row in await rows(name, key)] == [UUID(int=1)]


@pytest.mark.parametrize("status", ["queued", "sending"])
@pytest.mark.parametrize("name", ["deliveries", "delivery_contents"])
async def test_unsent_deliveries_are_kept_however_old(
    name: str, status: str, database: Database, execute: Execute
) -> None:
    await execute(f"INSERT INTO notifications.deliveries {INSERTS['deliveries']}", id=KIRSTEN, at=ago(timedelta(9999)))
    lease = "now()" if status == "sending" else "NULL"
    await execute(f"UPDATE notifications.deliveries SET status = '{status}', lease_until = {lease}")
    assert await applied(database, named(SERVICE.policies, name)) == 0


async def test_an_unfinished_broadcast_is_kept(database: Database, execute: Execute) -> None:
    await execute(f"INSERT INTO notifications.broadcasts {INSERTS['broadcasts']}", id=KIRSTEN, at=None)
    assert await applied(database, named(SERVICE.policies, "broadcasts")) == 0


@pytest.mark.usefixtures("salon")
class TestContents:
    @pytest.fixture
    async def sent(self, deliver: Deliver, sender: Sender, execute: Execute) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        await execute("UPDATE notifications.deliveries SET created_at = now() - interval '31 days'")

    async def test_the_content_of_a_delivery_is_deleted_before_its_row(
        self, sent: None, database: Database, rows: Rows
    ) -> None:
        assert await applied(database, named(SERVICE.policies, "delivery_contents")) == 2
        kept: list[dict[str, Any]] = await rows("deliveries")
        assert [(row["status"], row["data"]) for row in kept] == [("sent", {})] * 2

    async def test_a_delivery_without_content_is_not_sent_again(
        self, sent: None, database: Database, rows: Rows, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        await applied(database, named(SERVICE.policies, "delivery_contents"))
        path = f"/api/v1/notifications/deliveries/{(await rows('deliveries'))[0]['id']}/resend"
        refused = await client.post(path, headers=auth_headers(Role.STAFF))
        assert (refused.status_code, refused.json()["code"]) == (409, "delivery_spent")

    async def test_all_policies_together_keep_everything_of_this_week(
        self, deliver: Deliver, sender: Sender, database: Database
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        for policy in SERVICE.policies:
            assert await applied(database, policy) == 0, policy.name
