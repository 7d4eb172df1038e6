"""Marketing reaches only those who have consented, until they withdraw; other messages need no consent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.dispatch.channels import Connection, channels
from services.notifications.mail.channel import MailTransport
from services.notifications.mail.smtp import MailServer
from services.notifications.tests.conftest import (
    AMINA,
    AMINA_EMAIL,
    APP,
    BOOKING_LINKS,
    KIRSTEN,
    KIRSTEN_EMAIL,
    MAIL_FROM,
    UNSUBSCRIBE_LINKS,
    AddContact,
    Rows,
    booking,
)
from services.notifications.tests.smtp_server import SmtpServer, text_of
from services.notifications.tests.test_broadcasts import BODY, PATH, tell_all
from shared.database.session import Database, transaction
from shared.identity.principals import Claims
from shared.testing.types import Deliver, Headers, Outbox

Say = Callable[..., Awaitable[None]]
Broadcast = Callable[..., Awaitable[dict[str, Any]]]
PREFERENCES = "/api/v1/notifications/preferences"
OFFER = {name: value for name, value in BODY.items() if name != "kind"}
DUE = "UPDATE notifications.deliveries SET due_at = now()"


@pytest.fixture
def say(deliver: Deliver) -> Say:
    async def consent(granted: bool, version: int = 1, *, user: UUID = KIRSTEN, purpose: str = "marketing") -> None:
        consent = {"user_id": str(user), "purpose": purpose, "granted": granted, "text_version": 1}
        await deliver("gdpr.consent_changed.v1", consent, version=version)

    return consent


@pytest.fixture
def broadcast(client: httpx.AsyncClient, auth_headers: Headers, database: Database) -> Broadcast:
    async def send(**changes: Any) -> dict[str, Any]:
        headers = auth_headers(Role.ADMIN)
        begun = await client.post(PATH, headers=headers, json=OFFER | changes)
        assert begun.status_code == 202, begun.text
        await tell_all(database)
        return dict((await client.get(begun.headers["Location"], headers=headers)).json())

    return send


@pytest.mark.usefixtures("salon")
class TestMarketing:
    async def test_marketing_reaches_only_those_who_consented_in_any_channel(
        self, say: Say, broadcast: Broadcast, sender: Sender, smtp_server: SmtpServer, rows: Rows, outbox: Outbox
    ) -> None:
        await say(True)
        sent = await broadcast()
        assert (sent["kind"], sent["recipient_count"]) == ("marketing", 1)
        assert [row["user_id"] for row in await rows("notices", "position")] == [KIRSTEN]
        [pushed] = [row for row in await outbox() if row["type"] == "broadcast"]
        assert pushed["data"]["audience"] == [f"user:{KIRSTEN}"]
        await sender.send_due()
        [mail] = smtp_server.mails
        assert mail["To"].addresses[0].addr_spec == KIRSTEN_EMAIL
        assert "fordi du har sagt ja tak til nyheder og tilbud" in text_of(mail)

    async def test_marketing_reaches_nobody_without_consent(self, broadcast: Broadcast, rows: Rows) -> None:
        assert (await broadcast())["recipient_count"] == 0
        assert (await rows("deliveries"), await rows("notices", "position")) == ([], [])

    @pytest.mark.parametrize("consent", [{"granted": False}, {"granted": True, "purpose": "portfolio"}])
    async def test_a_refusal_or_a_consent_to_another_purpose_is_no_consent(
        self, consent: dict[str, Any], say: Say, broadcast: Broadcast
    ) -> None:
        await say(**consent)
        assert (await broadcast())["recipient_count"] == 0

    async def test_a_withdrawal_stops_deliveries_that_are_queued(
        self, say: Say, broadcast: Broadcast, sender: Sender, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        await say(True)
        await say(True, user=AMINA)
        await broadcast()
        await say(False, 2)
        await sender.send_due()
        assert [mail["To"].addresses[0].addr_spec for mail in smtp_server.mails] == [AMINA_EMAIL]
        [hers] = [row for row in await rows("deliveries") if row["recipient_id"] == KIRSTEN]
        assert (hers["status"], hers["error"]) == ("dropped", "no_consent")

    async def test_a_withdrawal_stops_deliveries_that_a_sender_has_claimed(
        self, say: Say, broadcast: Broadcast, database: Database, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        real = MailTransport(MailServer.from_url(smtp_server.url), MAIL_FROM, APP, UNSUBSCRIBE_LINKS, BOOKING_LINKS)

        class Slow:
            @asynccontextmanager
            async def connect(self) -> AsyncIterator[Connection]:
                await say(False, 2)
                async with real.connect() as connection:
                    yield connection

        await say(True)
        await broadcast()
        assert await Sender(database, channels()["mail"], Slow()).send_due() == 1
        assert (smtp_server.mails, (await rows("deliveries"))[0]["status"]) == ([], "dropped")

    async def test_a_withdrawal_stops_deliveries_that_wait_for_a_retry(
        self, say: Say, broadcast: Broadcast, sender: Sender, smtp_server: SmtpServer, rows: Rows, execute: Any
    ) -> None:
        await say(True)
        await broadcast()
        smtp_server.refuse_mail = "451 later"
        await sender.send_due()
        smtp_server.refuse_mail = None
        await say(False, 2)
        await execute(DUE)
        await sender.send_due()
        assert (smtp_server.mails, (await rows("deliveries"))[0]["status"]) == ([], "dropped")

    async def test_staff_cannot_send_marketing_again_after_a_withdrawal(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        say: Say,
        broadcast: Broadcast,
        sender: Sender,
        smtp_server: SmtpServer,
        rows: Rows,
    ) -> None:
        await say(True)
        await broadcast()
        await sender.send_due()
        await say(False, 2)
        [row] = await rows("deliveries")
        path = f"/api/v1/notifications/deliveries/{row['id']}/resend"
        await client.post(path, headers=auth_headers(Role.STAFF))
        await sender.send_due()
        assert (len(smtp_server.mails), (await rows("deliveries"))[0]["error"]) == (1, "no_consent")

    async def test_the_newest_version_of_a_consent_counts_in_any_order_of_events(
        self, say: Say, broadcast: Broadcast
    ) -> None:
        await say(False, 2)
        await say(True, 1)
        assert (await broadcast())["recipient_count"] == 0
        await say(True, 3)
        assert (await broadcast())["recipient_count"] == 1

    async def test_marketing_is_sent_by_sms_to_those_who_chose_it(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        say: Say,
        add_contact: AddContact,
        broadcast: Broadcast,
        rows: Rows,
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone="+4520123456", version=2)
        choice = {"kinds": {"marketing": {"mail": False, "sms": True}}}
        await client.put(PREFERENCES, headers=auth_headers(Role.CUSTOMER, KIRSTEN), json=choice)
        assert (await broadcast())["recipient_count"] == 0, "a choice of channel is no consent"
        await say(True)
        await broadcast()
        assert [row["channel"] for row in await rows("deliveries")] == ["sms"]


@pytest.mark.usefixtures("salon")
class TestOtherMessages:
    async def test_booking_and_service_messages_need_no_consent(
        self, say: Say, deliver: Deliver, broadcast: Broadcast, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await say(False)
        await deliver("booking.created.v1", booking(), version=1)
        assert (await broadcast(kind="service"))["recipient_count"] == 2
        await sender.send_due()
        assert len(smtp_server.to(KIRSTEN_EMAIL)) == 2

    async def test_preferences_say_whether_there_is_consent(
        self, client: httpx.AsyncClient, auth_headers: Headers, say: Say
    ) -> None:
        async def shown() -> dict[str, bool | None]:
            answer = await client.get(PREFERENCES, headers=auth_headers(Role.CUSTOMER, KIRSTEN))
            return {topic["kind"]: topic["consent"] for topic in answer.json()["kinds"]}

        assert ((await shown())["marketing"], (await shown())["booking"]) == (False, None)
        await say(True)
        assert (await shown())["marketing"] is True

    async def test_the_database_shows_a_consent_to_its_person_only(self, say: Say, database: Database) -> None:
        await say(True)
        for claims, count in (
            (Claims("customer", KIRSTEN), 1),
            (Claims("loctician", AMINA), 0),
            (Claims("admin", AMINA), 0),
            (Claims("anonymous"), 0),
        ):
            async with transaction(database, claims) as session:
                result = await session.execute(text("SELECT count(*) FROM notifications.consents"))
                assert result.scalar_one() == count
                changed = text("UPDATE notifications.consents SET granted = false RETURNING 1")
                assert (await session.execute(changed)).all() == []
