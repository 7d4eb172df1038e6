"""Out of a mail without logging in, for who has the mail, and for nobody else."""

import asyncio
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.settings import NotificationsSettings
from services.notifications.tests.conftest import AMINAS, KIRSTEN, KIRSTENS, UNSUBSCRIBE_LINKS, booking
from services.notifications.tests.postoffice import PostOffice, html_of
from services.notifications.tests.test_broadcasts import ADMIN, BODY, tell_all
from services.notifications.tests.test_broadcasts import PATH as BROADCAST
from services.notifications.tests.test_preferences import PATH as PREFERENCES
from services.notifications.tests.test_preferences import Outbox, channels_of
from services.notifications.unsubscribe.links import UnsubscribeLinks
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver

Headers = Callable[..., dict[str, str]]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def mail(
    client: httpx.AsyncClient, auth_headers: Headers, database: Database, sender: Sender, post: PostOffice, salon: None
) -> EmailMessage:
    """A broadcast as it comes to Kirsten."""
    answer = await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
    assert answer.status_code == 202, answer.text
    await tell_all(database)
    await sender.send_due()
    [found] = [one for one in post.mails if KIRSTENS in str(one["To"])]
    return found


def link_in(mail: EmailMessage) -> str:
    parts = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    return parts.path


class TestOneClick:
    async def test_switches_off_such_mails_and_nothing_else(
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
        told = [one["data"] for one in await outbox() if one["type"] == "preferences.updated.v1"]
        assert [one["switched_off"] for one in told] == [["reminder"], ["reminder", "service"]]

    async def test_keeps_the_next_broadcast_away(
        self,
        mail: EmailMessage,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        database: Database,
        sender: Sender,
        post: PostOffice,
    ) -> None:
        await client.post(link_in(mail))
        post.mails.clear()
        await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
        await tell_all(database)
        await sender.send_due()
        reached = {str(one["To"]) for one in post.mails}
        assert any(AMINAS in one for one in reached)
        assert not any(KIRSTENS in one for one in reached)

    async def test_is_written_so_that_programs_can_read_it(self, mail: EmailMessage, post: PostOffice) -> None:
        """One line and as it is: no encoded words, which RFC 2047 keeps to texts for people."""
        [source] = [one for one in post.sources if f"<{KIRSTENS}>".encode() in one]
        link = UNSUBSCRIBE_LINKS.create({"kind": "broadcast", "recipient_id": KIRSTEN})
        assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in source

    async def test_looking_at_the_page_changes_nothing(
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

    async def test_of_two_kinds_at_the_same_moment_loses_neither(
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

    async def test_of_who_is_gone_does_nothing(
        self, mail: EmailMessage, client: httpx.AsyncClient, settings: NotificationsSettings, outbox: Outbox
    ) -> None:
        before = await outbox()
        stranger = UnsubscribeLinks.of(settings).create({"kind": "broadcast", "recipient_id": uuid4()}) or ""
        assert (await client.post(urlsplit(stranger).path)).status_code == 200
        assert await outbox() == before


class TestForgery:
    @pytest.mark.parametrize("topic", ["marketing", "reminder", "booking", "account"])
    async def test_a_link_is_good_for_its_topic_alone(
        self, topic: str, mail: EmailMessage, client: httpx.AsyncClient
    ) -> None:
        answer = await client.post(link_in(mail).replace("/service/", f"/{topic}/"))
        assert answer.status_code in {404, 422}

    async def test_and_for_its_person_alone(self, mail: EmailMessage, client: httpx.AsyncClient) -> None:
        path = link_in(mail)
        at = path.rindex("/") + 1
        for place in range(at, len(path)):
            for letter in {"A", "B", "C", "D"} - {path[place]}:  # of the last, two bits say nothing
                other = path[:place] + letter + path[place + 1 :]
                assert (await client.post(other)).status_code == 404, other

    @pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 44, "%00" * 43, "é" * 43])
    async def test_made_up_ones_are_refused(self, token: str, client: httpx.AsyncClient) -> None:
        for call in (client.get, client.post):
            assert (await call(f"/api/v1/notifications/unsubscribe/marketing/{token}")).status_code in {404, 422}

    def test_they_outlive_a_change_of_the_secret_by_one(self, settings: NotificationsSettings) -> None:
        delivery: dict[str, Any] = {"kind": "marketing", "recipient_id": UUID(int=7)}
        token = (UnsubscribeLinks.of(settings).create(delivery) or "").rpartition("/")[2]
        new = {"secret_key": SecretStr("the new secret of thirty-two characters")}
        kept = settings.model_copy(update=new | {"secret_key_previous": settings.secret_key})
        assert UnsubscribeLinks.of(kept).verify("marketing", token) == UUID(int=7)
        with pytest.raises(NotFound):
            UnsubscribeLinks.of(settings.model_copy(update=new)).verify("marketing", token)


@pytest.mark.usefixtures("salon")
async def test_what_must_be_told_has_no_way_out(deliver: Deliver, sender: Sender, post: PostOffice) -> None:
    await deliver("booking.created.v1", booking(), version=1)
    await sender.send_due()
    assert len(post.mails) == 2
    assert not [one for one in post.mails if "List-Unsubscribe" in one]
