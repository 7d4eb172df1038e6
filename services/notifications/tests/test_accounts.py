"""What a person hears of the own account: links that work once, and warnings."""

import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, APP, KIRSTEN, KIRSTENS, Know, Rows
from services.notifications.tests.postoffice import PostOffice, html_of, text_of
from shared.database.session import Database
from shared.testing.services import Deliver

Arrange = Callable[..., Awaitable[None]]
Headers = Callable[..., dict[str, str]]
TOKEN = "one-time-Kx81_secret"
MAILS = {
    "user.verification_requested.v1": f"{APP}/account/verify-email#token={TOKEN}",
    "user.password_reset_requested.v1": f"{APP}/account/reset-password#token={TOKEN}",
}


def requested(
    user_id: UUID = KIRSTEN, *, email: str = KIRSTENS, valid: timedelta = timedelta(hours=1)
) -> dict[str, Any]:
    return {
        "user_id": str(user_id),
        "email": email,
        "full_name": "Kirsten Ærø",
        "language": "da",
        "token": TOKEN,
        "expires_at": (datetime.now(UTC) + valid).isoformat(),
    }


@pytest.fixture
def everything_logged(database: Database) -> Iterator[io.StringIO]:
    """What this process logs from here on, at every level; the mail server of the tests has its own words."""
    root, written = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(written), root.level
    handler.addFilter(lambda record: record.name != "mail.log")
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize("type_", MAILS)
class TestLinks:
    async def test_a_mail_has_the_link_and_the_row_forgets_the_token(
        self, type_: str, deliver: Deliver, sender: Sender, post: PostOffice, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested())
        [waiting] = await rows("deliveries")
        assert waiting["data"]["token"] == TOKEN
        await sender.send_due()
        [mail] = post.to(KIRSTENS)
        assert MAILS[type_] in text_of(mail)
        assert f'href="{MAILS[type_]}"' in html_of(mail)
        [sent] = await rows("deliveries")
        assert (sent["status"], sent["booking_id"]) == ("sent", None)
        assert TOKEN not in str(sent)

    async def test_one_given_up_forgets_the_token_too(
        self, type_: str, deliver: Deliver, sender: Sender, post: PostOffice, rows: Rows, salon: None
    ) -> None:
        post.refuse_recipient = "550 5.1.1 no such user"
        await deliver(type_, requested())
        await sender.send_due()
        [failed] = await rows("deliveries")
        assert (failed["status"], failed["error"]) == ("failed", "smtp_550")
        assert TOKEN not in str(failed)

    async def test_an_expired_request_is_not_sent(
        self, type_: str, deliver: Deliver, sender: Sender, post: PostOffice, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested(valid=timedelta(seconds=-1)))
        assert await sender.send_due() == 0
        assert post.mails == []
        [row] = await rows("deliveries")
        assert (row["status"], row["error"]) == ("failed", "expired")
        assert TOKEN not in str(row)

    async def test_the_token_is_never_logged_nor_published(
        self,
        type_: str,
        deliver: Deliver,
        sender: Sender,
        post: PostOffice,
        outbox: Callable[[], Awaitable[list[dict[str, Any]]]],
        everything_logged: io.StringIO,
        arrange: Arrange,
        salon: None,
    ) -> None:
        await deliver(type_, requested())
        post.close()
        await sender.send_due()
        post.open()
        await arrange("UPDATE notifications.deliveries SET due_at = now()")
        await sender.send_due()
        assert len(post.mails) == 1
        assert "transport_unreachable" in everything_logged.getvalue()
        assert TOKEN not in everything_logged.getvalue()
        assert TOKEN not in json.dumps(await outbox(), default=str)

    async def test_it_is_a_mail_only_and_staff_cannot_send_it_again(
        self,
        type_: str,
        deliver: Deliver,
        sender: Sender,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        salon: None,
    ) -> None:
        await deliver(type_, requested())
        staff = auth_headers(Role.STAFF)
        listing = await client.get("/api/v1/notifications/deliveries", headers=staff)
        assert TOKEN not in listing.text
        await sender.send_due()
        [row] = listing.json()["items"]
        again = await client.post(f"/api/v1/notifications/deliveries/{row['id']}/resend", headers=staff)
        assert (again.status_code, again.json()["code"]) == (409, "delivery_spent")
        inbox = await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))
        assert inbox.json()["items"] == []

    async def test_the_link_goes_to_the_address_it_is_for_which_the_row_forgets(
        self, type_: str, deliver: Deliver, sender: Sender, post: PostOffice, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested(email="kirsten.ny@example.com"))
        await sender.send_due()
        assert len(post.to("kirsten.ny@example.com")) == 1
        assert post.to(KIRSTENS) == []
        assert "kirsten.ny" not in str(await rows("deliveries"))

    async def test_the_mail_waits_for_the_account_it_is_about(
        self, type_: str, deliver: Deliver, sender: Sender, post: PostOffice, know: Know
    ) -> None:
        user_id = uuid4()
        await deliver(type_, requested(user_id, email="ny@example.com"))
        assert await sender.send_due() == 0
        await know(user_id, "ny@example.com", "Ny")
        assert await sender.send_due() == 1
        assert len(post.to("ny@example.com")) == 1


async def test_the_database_itself_keeps_no_token_of_a_settled_delivery(
    deliver: Deliver, database: Any, arrange: Arrange, salon: None
) -> None:
    await deliver("user.verification_requested.v1", requested())
    with pytest.raises(IntegrityError):
        await arrange("UPDATE notifications.deliveries SET status = 'sent'")


@pytest.mark.usefixtures("salon")
class TestWarnings:
    async def test_an_export_that_is_ready_is_told_of_by_mail(
        self, deliver: Deliver, sender: Sender, post: PostOffice
    ) -> None:
        ready = {"subject_id": str(KIRSTEN), "request_id": str(uuid4()), "expires_at": "2031-03-09T09:00:00Z"}
        await deliver("gdpr.export_ready.v1", ready)
        assert await sender.send_due() == 1
        assert [mail["Subject"] for mail in post.to(KIRSTENS)] == ["Dine data er klar"]

    async def test_a_new_device_and_a_reused_session_are_told_by_mail_and_in_the_app(
        self, deliver: Deliver, sender: Sender, post: PostOffice, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        session = {"session_id": str(uuid4()), "user_id": str(KIRSTEN)}
        await deliver("session.started.v1", session | {"new_device": True})
        await deliver("session.revoked.v1", session | {"reason": "reused"})
        await sender.send_due()
        assert [mail["Subject"] for mail in post.to(KIRSTENS)] == [
            "Nyt login på din konto",
            "Af sikkerhedsgrunde har vi logget en enhed ud",
        ]
        inbox = await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))
        assert [one["kind"] for one in inbox.json()["items"]] == ["session_reused", "new_device"]
        assert {one["type"] for one in inbox.json()["items"]} == {"notification"}

    async def test_whoever_loses_the_second_factor_is_told(
        self, deliver: Deliver, sender: Sender, post: PostOffice
    ) -> None:
        await deliver("user.mfa_disabled.v1", {"user_id": str(KIRSTEN)})
        assert await sender.send_due() == 1
        assert [mail["Subject"] for mail in post.to(KIRSTENS)] == ["Totrinslogin er slået fra"]

    async def test_an_ordinary_login_and_logout_are_not_worth_a_word(self, deliver: Deliver, rows: Rows) -> None:
        session = {"session_id": str(uuid4()), "user_id": str(KIRSTEN)}
        await deliver("session.started.v1", session)
        await deliver("session.started.v1", session | {"new_device": False})
        for reason in ("logout", "password_changed", "role_changed", "deactivated"):
            await deliver("session.revoked.v1", session | {"reason": reason})
        assert await rows("deliveries") == []
        assert await rows("notices", "position") == []


async def test_a_hidden_row_stays_hidden_from_its_recipient(
    deliver: Deliver, database: Any, salon: None, client: httpx.AsyncClient, auth_headers: Headers
) -> None:
    await deliver("user.password_reset_requested.v1", requested())
    for claims in (f'{{"role": "customer", "sub": "{KIRSTEN}"}}', f'{{"role": "loctician", "sub": "{AMINA}"}}'):
        set_claims = "WITH c AS (SELECT set_config('request.jwt.claims', :claims, true)) "
        [row] = await database.call(
            text(set_claims + "SELECT count(d.id) FROM c LEFT JOIN notifications.deliveries d ON true"),
            {"claims": claims},
        )
        assert row[0] == 0
