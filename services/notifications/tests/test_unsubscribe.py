"""Unsubscribing from a mail needs no login, and works only with the link of that mail."""

import asyncio
import hmac
import re
from base64 import urlsafe_b64encode
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from domain.roles import Role
from services.notifications import privacy
from services.notifications.deliveries.sender import Sender
from services.notifications.settings import NotificationsSettings
from services.notifications.tests.conftest import AMINA_EMAIL, KIRSTEN, KIRSTEN_EMAIL, UNSUBSCRIBE_LINKS, booking
from services.notifications.tests.smtp_server import SmtpServer, html_of
from services.notifications.tests.test_broadcasts import ADMIN, BODY, tell_all
from services.notifications.tests.test_broadcasts import PATH as BROADCAST
from services.notifications.tests.test_preferences import PATH as PREFERENCES
from services.notifications.tests.test_preferences import channels_of
from services.notifications.unsubscribe.links import UnsubscribeLinks
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers, Outbox

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def mail(
    client: httpx.AsyncClient,
    auth_headers: Headers,
    database: Database,
    sender: Sender,
    smtp_server: SmtpServer,
    salon: None,
) -> EmailMessage:
    """A broadcast as it comes to Kirsten."""
    answer = await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
    assert answer.status_code == 202, answer.text
    await tell_all(database)
    await sender.send_due()
    [broadcast] = [mail for mail in smtp_server.mails if KIRSTEN_EMAIL in str(mail["To"])]
    return broadcast


def link_in(mail: EmailMessage) -> str:
    parts = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    return parts.path


class TestOneClick:
    async def test_one_click_switches_off_the_topic_and_nothing_else(
        self, mail: EmailMessage, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f'href="{str(mail["List-Unsubscribe"]).strip("<>")}"' in html_of(mail)
        mine = auth_headers(Role.CUSTOMER, KIRSTEN)
        await client.put(PREFERENCES, headers=mine, json={"kinds": {"reminder": {"mail": False}}})
        for _ in range(2):
            answer = await client.post(link_in(mail), content=b"List-Unsubscribe=One-Click", headers=FORM)
            assert answer.status_code == 200
            assert "Du får ikke flere mails" in answer.text
        now = await client.get(PREFERENCES, headers=mine)
        off = {kind for kind in ("reminder", "service", "marketing") if not channels_of(now, kind)["mail"]["enabled"]}
        assert off == {"reminder", "service"}
        changes = [event["data"] for event in await outbox() if event["type"] == "preferences.updated.v1"]
        assert [change["switched_off"] for change in changes] == [["reminder"], ["reminder", "service"]]

    async def test_the_next_broadcast_is_not_mailed(
        self,
        mail: EmailMessage,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        database: Database,
        sender: Sender,
        smtp_server: SmtpServer,
    ) -> None:
        await client.post(link_in(mail))
        smtp_server.mails.clear()
        await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
        await tell_all(database)
        await sender.send_due()
        reached = {str(mail["To"]) for mail in smtp_server.mails}
        assert any(AMINA_EMAIL in address for address in reached)
        assert not any(KIRSTEN_EMAIL in address for address in reached)

    async def test_the_header_can_be_read_by_programs(self, mail: EmailMessage, smtp_server: SmtpServer) -> None:
        """One line and as it is: no encoded words, which RFC 2047 keeps to texts for people."""
        [source] = [source_ for source_ in smtp_server.sources if f"<{KIRSTEN_EMAIL}>".encode() in source_]
        link = UNSUBSCRIBE_LINKS.create({"kind": "broadcast", "recipient_id": KIRSTEN})
        assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in source

    async def test_opening_the_page_changes_nothing(
        self, mail: EmailMessage, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        page = await client.get(link_in(mail), headers={"Accept-Language": "en"})
        assert page.status_code == 200
        assert re.search(
            r'<form method="post">\s*<p>Do you no longer want to receive mails with general messages from the salon\?',
            page.text,
        )
        assert "form-action 'self'" in page.headers["content-security-policy"]
        now = await client.get(PREFERENCES, headers=auth_headers(Role.CUSTOMER, KIRSTEN))
        assert channels_of(now, "service")["mail"]["enabled"]

    async def test_simultaneous_clicks_for_several_topics_all_count(
        self, mail: EmailMessage, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        links = [
            urlsplit(UNSUBSCRIBE_LINKS.create({"kind": kind, "recipient_id": KIRSTEN}) or "").path
            for kind in ("broadcast", "marketing", "reminder")
        ]
        for _ in range(10):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("DELETE FROM notifications.preferences"))
            await asyncio.gather(*(client.post(link) for link in links))
            now = await client.get(PREFERENCES, headers=auth_headers(Role.CUSTOMER, KIRSTEN))
            assert not any(channels_of(now, kind)["mail"]["enabled"] for kind in ("service", "marketing", "reminder"))

    async def test_a_click_for_an_unknown_person_does_nothing(
        self, mail: EmailMessage, client: httpx.AsyncClient, settings: NotificationsSettings, outbox: Outbox
    ) -> None:
        before = await outbox()
        stranger = UnsubscribeLinks.of(settings).create({"kind": "broadcast", "recipient_id": uuid4()}) or ""
        assert (await client.post(urlsplit(stranger).path)).status_code == 200
        assert await outbox() == before

    async def test_a_click_after_the_erasure_writes_nothing(
        self, mail: EmailMessage, client: httpx.AsyncClient, database: Database, outbox: Outbox
    ) -> None:
        await _erase(database)
        before = await outbox()
        assert (await client.post(link_in(mail))).status_code == 200
        assert await outbox() == before
        assert await count_preferences(database) == 0

    async def test_a_click_during_the_erasure_leaves_nothing(
        self, mail: EmailMessage, client: httpx.AsyncClient, database: Database
    ) -> None:
        for _ in range(10):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("UPDATE notifications.contacts SET version = 1"))
            await asyncio.gather(client.post(link_in(mail)), _erase(database))
            assert await count_preferences(database) == 0


async def _erase(database: Database) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await privacy.erase(session, KIRSTEN)


async def count_preferences(database: Database) -> int:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return int((await session.execute(text("SELECT count(*) FROM notifications.preferences"))).scalar_one())


class TestForgery:
    @pytest.mark.parametrize("topic", ["marketing", "reminder", "booking", "account"])
    async def test_a_link_is_valid_for_its_topic_only(
        self, topic: str, mail: EmailMessage, client: httpx.AsyncClient
    ) -> None:
        answer = await client.post(link_in(mail).replace("/service/", f"/{topic}/"))
        assert answer.status_code in {404, 422}

    async def test_a_link_is_valid_for_its_person_only(self, mail: EmailMessage, client: httpx.AsyncClient) -> None:
        path = link_in(mail)
        at = path.rindex("/") + 1
        for place in range(at, len(path)):
            for letter in {"A", "B", "C", "D"} - {path[place]}:  # of the last, two bits say nothing
                other = path[:place] + letter + path[place + 1 :]
                assert (await client.post(other)).status_code == 404, other

    async def test_people_with_a_link_that_was_cut_off_see_a_page(
        self, mail: EmailMessage, client: httpx.AsyncClient
    ) -> None:
        for call in (client.get, client.post):
            danish = await call(link_in(mail)[:-3])
            assert (danish.status_code, danish.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert danish.headers["cache-control"] == "no-store"
            assert "<h1>Linket virker ikke</h1>" in danish.text
            english = await call(link_in(mail)[:-3], headers={"Accept-Language": "en"})
            assert "<h1>The link does not work</h1>" in english.text

    @pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 64, "A" * 65, "%00" * 64, "é" * 64])
    async def test_invented_tokens_are_refused(self, token: str, client: httpx.AsyncClient) -> None:
        for call in (client.get, client.post):
            assert (await call(f"/api/v1/notifications/unsubscribe/marketing/{token}")).status_code in {404, 422}

    def test_a_link_signed_with_the_secret_itself_is_refused(self, settings: NotificationsSettings) -> None:
        """Only a key derived for this purpose signs, so that no other use of the secret can make a link."""
        secret = settings.root_key.encode()
        for content in (f"unsubscribe:marketing:{KIRSTEN}".encode(), KIRSTEN.bytes):
            mac = hmac.digest(secret, content, "sha256")
            for size in (16, 32):
                token = urlsafe_b64encode(KIRSTEN.bytes + mac[:size]).decode().rstrip("=")
                with pytest.raises(NotFound):
                    UnsubscribeLinks.of(settings).verify("marketing", token)

    def test_links_stay_valid_for_one_change_of_the_secret(self, settings: NotificationsSettings) -> None:
        delivery: dict[str, Any] = {"kind": "marketing", "recipient_id": UUID(int=7)}
        token = (UnsubscribeLinks.of(settings).create(delivery) or "").rpartition("/")[2]
        new = {"secret_key": SecretStr("the new secret of thirty-two characters")}
        kept = settings.model_copy(update=new | {"secret_key_previous": settings.secret_key})
        assert UnsubscribeLinks.of(kept).verify("marketing", token) == UUID(int=7)
        with pytest.raises(NotFound):
            UnsubscribeLinks.of(settings.model_copy(update=new)).verify("marketing", token)


@pytest.mark.usefixtures("salon")
async def test_required_mails_have_no_unsubscribe_link(
    deliver: Deliver, sender: Sender, smtp_server: SmtpServer
) -> None:
    await deliver("booking.created.v1", booking(), version=1)
    await sender.send_due()
    assert len(smtp_server.mails) == 2
    assert not [mail for mail in smtp_server.mails if "List-Unsubscribe" in mail]
