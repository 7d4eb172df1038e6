"""Broadcasts reach every recipient once, in batches, also with several workers and after a crash."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.roles import Role
from services.notifications.broadcasts import queries
from services.notifications.broadcasts.service import BATCH, dispatch_next_batch
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, AMINA_EMAIL, KIRSTEN, KIRSTEN_EMAIL, AddContact, Rows
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.types import Headers, Outbox

Execute = Callable[..., Awaitable[None]]
PATH = "/api/v1/notifications/broadcast"
ADMIN = UUID(int=0xAD)
BODY: dict[str, Any] = {
    "kind": "service",
    "title": {"da": "Ferielukket", "en": "Closed for holidays"},
    "body": {"da": "Vi holder ferie.\n\nBook inden da.", "en": "We are on holiday.\n\nBook before then."},
    "audience": "all",
    "mail": True,
}


@pytest.fixture
def admin(auth_headers: Headers) -> dict[str, str]:
    return auth_headers(Role.ADMIN, ADMIN)


async def tell_all(database: Database) -> int:
    batches = 0
    while await dispatch_next_batch(database):
        batches += 1
    return batches


@pytest.mark.usefixtures("salon")
class TestRecipients:
    async def test_a_broadcast_is_sent_in_every_channel_in_the_recipients_language(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        auth_headers: Headers,
        database: Database,
        outbox: Outbox,
        sender: Sender,
        smtp_server: SmtpServer,
    ) -> None:
        answer = await client.post(PATH, headers=admin, json=BODY)
        assert answer.status_code == 202, answer.text
        [event] = await outbox()
        assert (event["type"], event["actorid"]) == ("broadcast.requested.v1", str(ADMIN))
        await tell_all(database)
        await sender.send_due()
        [to_kirsten], [to_amina] = smtp_server.to(KIRSTEN_EMAIL), smtp_server.to(AMINA_EMAIL)
        assert (to_kirsten["Subject"], to_amina["Subject"]) == ("Ferielukket", "Closed for holidays")
        assert "Vi holder ferie.\n\nBook inden da." in text_of(to_kirsten)
        assert "<p>We are on holiday.</p>\n<p>Book before then.</p>" in html_of(to_amina)
        [message] = [row for row in await outbox() if row["type"] == "broadcast"]
        assert sorted(message["data"]["audience"]) == [f"user:{AMINA}", f"user:{KIRSTEN}"]
        assert message["data"]["data"]["title"] == BODY["title"]
        [notice] = (await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))).json()[
            "items"
        ]
        assert (notice["id"], notice["type"], notice["title"]) == (message["id"], "broadcast", "Ferielukket")
        assert notice["data"] == message["data"]["data"]
        progress = (await client.get(answer.headers["Location"], headers=admin)).json()
        assert progress["recipient_count"] == 2
        assert progress["done_at"]

    async def test_a_broadcast_without_mail_stays_in_the_app(
        self, client: httpx.AsyncClient, admin: dict[str, str], database: Database, rows: Rows
    ) -> None:
        await client.post(PATH, headers=admin, json=BODY | {"mail": False})
        await tell_all(database)
        assert await rows("deliveries") == []
        assert len(await rows("notices", "position")) == 2

    async def test_a_broadcast_to_a_role_reaches_its_active_people_only(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        database: Database,
        add_contact: AddContact,
        rows: Rows,
    ) -> None:
        gone = uuid4()
        await add_contact(gone, "gone@example.com", role="loctician")
        await add_contact(gone, "gone@example.com", role="loctician", active=False, version=2)
        await client.post(PATH, headers=admin, json=BODY | {"audience": "loctician"})
        await tell_all(database)
        assert [row["user_id"] for row in await rows("notices", "position")] == [AMINA]

    async def test_people_who_switched_the_topic_off_get_no_mail(
        self, client: httpx.AsyncClient, admin: dict[str, str], auth_headers: Headers, database: Database, rows: Rows
    ) -> None:
        choice = {"kinds": {"service": {"mail": False}}}
        mine = auth_headers(Role.CUSTOMER, KIRSTEN)
        await client.put("/api/v1/notifications/preferences", headers=mine, json=choice)
        await client.post(PATH, headers=admin, json=BODY)
        await tell_all(database)
        assert [row["recipient_id"] for row in await rows("deliveries")] == [AMINA]
        assert len(await rows("notices", "position")) == 2


class TestBatches:
    PEOPLE = 2 * BATCH + 5

    @pytest.fixture
    async def crowd(self, execute: Execute) -> None:
        await execute(
            "INSERT INTO notifications.contacts (user_id, email, full_name, language, role)"
            " SELECT gen_random_uuid(), n || '@example.com', 'Nr. ' || n, 'da', 'customer'"
            " FROM generate_series(1, :n) n",
            n=self.PEOPLE,
        )

    async def test_several_workers_reach_everybody_once_in_bounded_batches(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        database: Database,
        rows: Rows,
        outbox: Outbox,
        crowd: None,
    ) -> None:
        await client.post(PATH, headers=admin, json=BODY)
        await asyncio.gather(*(tell_all(database) for _ in range(4)))
        await tell_all(database)
        notices = await rows("notices", "position")
        assert len({row["user_id"] for row in notices}) == len(notices) == self.PEOPLE
        assert len(await rows("deliveries")) == self.PEOPLE
        messages = [row for row in await outbox() if row["type"] == "broadcast"]
        assert [len(row["data"]["audience"]) for row in messages] == [BATCH, BATCH, 5]

    async def test_a_crash_between_batches_repeats_nothing(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        database: Database,
        rows: Rows,
        crowd: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await client.post(PATH, headers=admin, json=BODY)
        assert await dispatch_next_batch(database) == 1
        with monkeypatch.context() as crash:
            crash.setattr(queries, "record_progress", None)  # the batch's transaction cannot end
            with pytest.raises(TypeError):
                await dispatch_next_batch(database)
        assert len(await rows("notices", "position")) == BATCH
        await tell_all(database)
        assert len(await rows("notices", "position")) == self.PEOPLE


class TestRequests:
    async def test_the_same_key_and_body_give_the_same_broadcast(
        self, client: httpx.AsyncClient, admin: dict[str, str], rows: Rows
    ) -> None:
        headers = admin | {"Idempotency-Key": "k1"}
        answers = await asyncio.gather(*(client.post(PATH, headers=headers, json=BODY) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len(await rows("broadcasts")) == 1
        other = await client.post(PATH, headers=headers, json=BODY | {"audience": "staff"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    async def test_another_admin_may_use_the_same_key(
        self, client: httpx.AsyncClient, admin: dict[str, str], auth_headers: Headers, rows: Rows
    ) -> None:
        for headers in (admin, auth_headers(Role.ADMIN)):
            await client.post(PATH, headers=headers | {"Idempotency-Key": "k1"}, json=BODY)
        assert len(await rows("broadcasts")) == 2

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.LOCTICIAN, Role.STAFF])
    async def test_only_admins_may_broadcast(
        self, role: Role, client: httpx.AsyncClient, auth_headers: Headers, admin: dict[str, str]
    ) -> None:
        assert (await client.post(PATH, headers=auth_headers(role), json=BODY)).status_code == 403
        begun = (await client.post(PATH, headers=admin, json=BODY)).json()
        assert (await client.get(f"{PATH}/{begun['id']}", headers=auth_headers(role))).status_code == 403
        assert (await client.post(PATH, json=BODY)).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"title": {"da": "Kun dansk"}},
            {"title": {"da": "x\r\nBcc: a@example.com", "en": "x"}},
            {"title": {"da": "x" * 121, "en": "x"}},
            {"body": {"da": "", "en": "x"}},
            {"body": {"da": "x" * 4001, "en": "x"}},
            {"audience": "everybody"},
            {"kind": "offer"},
            {"surprise": True},
        ],
    )
    async def test_a_malformed_broadcast_is_422(
        self, change: dict[str, Any], client: httpx.AsyncClient, admin: dict[str, str], rows: Rows
    ) -> None:
        assert (await client.post(PATH, headers=admin, json=BODY | change)).status_code == 422
        assert await rows("broadcasts") == []

    async def test_an_unknown_broadcast_is_404(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        assert (await client.get(f"{PATH}/{uuid4()}", headers=admin)).status_code == 404

    async def test_the_database_shows_broadcasts_to_admins_only(
        self, client: httpx.AsyncClient, admin: dict[str, str], database: Database
    ) -> None:
        await client.post(PATH, headers=admin, json=BODY)
        for claims, count in ((Claims("admin", ADMIN), 1), (SERVICE_CLAIMS, 1), (Claims("staff", ADMIN), 0)):
            async with transaction(database, claims) as session:
                result = await session.execute(text("SELECT count(*) FROM notifications.broadcasts"))
                assert result.scalar_one() == count
