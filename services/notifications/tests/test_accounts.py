"""Messages about a person's own account: links that work once, and security notices."""

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

from domain.messages import seal_message
from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, APP, KIRSTEN, KIRSTEN_EMAIL, AddContact, Rows
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from shared.database.session import Database
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Headers

Execute = Callable[..., Awaitable[None]]
TOKEN = "one-time-Kx81_secret"
MAILS = {
    "user.verification_requested.v1": f"{APP}/account/verify-email#token={TOKEN}",
    "user.password_reset_requested.v1": f"{APP}/account/reset-password#token={TOKEN}",
    "user.invited.v1": f"{APP}/account/reset-password#token={TOKEN}",
}


def sealed(user_id: UUID, sender: str = "auth") -> str:
    return seal_message(keys_for(sender), user_id, TOKEN)


def requested(
    user_id: UUID = KIRSTEN, *, email: str = KIRSTEN_EMAIL, valid: timedelta = timedelta(hours=1)
) -> dict[str, Any]:
    return {
        "user_id": str(user_id),
        "email": email,
        "full_name": "Kirsten Ærø",
        "language": "da",
        "token": sealed(user_id),
        "expires_at": (datetime.now(UTC) + valid).isoformat(),
        "role": "loctician",
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
    async def test_a_mail_has_the_link_and_the_token_is_deleted_from_the_delivery(
        self, type_: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested())
        [waiting] = await rows("deliveries")
        assert TOKEN not in str(waiting)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert MAILS[type_] in text_of(mail)
        assert f'href="{MAILS[type_]}"' in html_of(mail)
        [sent] = await rows("deliveries")
        assert (sent["status"], sent["booking_id"]) == ("sent", None)
        assert TOKEN not in str(sent)

    @pytest.mark.parametrize("sender_name", ["gdpr", "booking", "notifications"])
    async def test_a_token_that_another_service_sealed_is_not_mailed(
        self,
        type_: str,
        sender_name: str,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        rows: Rows,
        salon: None,
    ) -> None:
        await deliver(type_, requested() | {"token": sealed(KIRSTEN, sender_name)})
        await sender.send_due()
        assert smtp_server.to(KIRSTEN_EMAIL) == []
        [failed] = await rows("deliveries")
        assert (failed["status"], failed["error"]) == ("failed", "unmakeable")

    async def test_the_token_of_a_delivery_that_is_given_up_is_deleted(
        self, type_: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, salon: None
    ) -> None:
        smtp_server.refuse_recipient = "550 5.1.1 no such user"
        await deliver(type_, requested())
        await sender.send_due()
        [failed] = await rows("deliveries")
        assert (failed["status"], failed["error"]) == ("failed", "smtp_550")
        assert TOKEN not in str(failed)

    async def test_an_expired_link_is_not_sent(
        self, type_: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested(valid=timedelta(seconds=-1)))
        assert await sender.send_due() == 0
        assert smtp_server.mails == []
        [row] = await rows("deliveries")
        assert (row["status"], row["error"]) == ("failed", "expired")
        assert TOKEN not in str(row)

    async def test_the_token_is_never_logged_nor_published(
        self,
        type_: str,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        outbox: Callable[[], Awaitable[list[dict[str, Any]]]],
        everything_logged: io.StringIO,
        execute: Execute,
        salon: None,
    ) -> None:
        await deliver(type_, requested())
        smtp_server.close()
        await sender.send_due()
        smtp_server.open()
        await execute("UPDATE notifications.deliveries SET due_at = now()")
        await sender.send_due()
        assert len(smtp_server.mails) == 1
        assert "transport_unreachable" in everything_logged.getvalue()
        assert TOKEN not in everything_logged.getvalue()
        assert TOKEN not in json.dumps(await outbox(), default=str)

    async def test_a_link_is_sent_by_mail_only_and_staff_cannot_send_it_again(
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

    async def test_the_link_goes_to_the_address_in_the_request_which_is_then_deleted(
        self, type_: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, salon: None
    ) -> None:
        await deliver(type_, requested(email="kirsten.ny@example.com"))
        await sender.send_due()
        assert len(smtp_server.to("kirsten.ny@example.com")) == 1
        assert smtp_server.to(KIRSTEN_EMAIL) == []
        assert "kirsten.ny" not in str(await rows("deliveries"))

    async def test_the_mail_waits_until_the_account_is_known(
        self, type_: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        user_id = uuid4()
        await deliver(type_, requested(user_id, email="ny@example.com"))
        assert await sender.send_due() == 0
        await add_contact(user_id, "ny@example.com", "Ny")
        assert await sender.send_due() == 1
        assert len(smtp_server.to("ny@example.com")) == 1


async def test_the_database_refuses_a_token_in_a_settled_delivery(
    deliver: Deliver, database: Any, execute: Execute, salon: None
) -> None:
    await deliver("user.verification_requested.v1", requested())
    with pytest.raises(IntegrityError):
        await execute("UPDATE notifications.deliveries SET status = 'sent'")


@pytest.mark.usefixtures("salon")
class TestNotices:
    async def test_a_mail_says_that_an_export_is_ready(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        ready = {"subject_id": str(KIRSTEN), "request_id": str(uuid4()), "expires_at": "2031-03-09T09:00:00Z"}
        await deliver("gdpr.export_ready.v1", ready)
        assert await sender.send_due() == 1
        assert [mail["Subject"] for mail in smtp_server.to(KIRSTEN_EMAIL)] == ["Dine data er klar"]

    async def test_a_new_device_and_a_reused_session_are_reported_by_mail_and_in_the_app(
        self,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        session = {"session_id": str(uuid4()), "user_id": str(KIRSTEN)}
        await deliver("session.started.v1", session | {"new_device": True})
        await deliver("session.revoked.v1", session | {"reason": "reused"})
        await sender.send_due()
        assert [mail["Subject"] for mail in smtp_server.to(KIRSTEN_EMAIL)] == [
            "Nyt login på din konto",
            "Af sikkerhedsgrunde har vi logget en enhed ud",
        ]
        inbox = await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))
        assert [notice["kind"] for notice in inbox.json()["items"]] == ["session_reused", "new_device"]
        assert {notice["type"] for notice in inbox.json()["items"]} == {"notification"}

    async def test_a_person_whose_second_factor_is_switched_off_gets_a_mail(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("user.mfa_disabled.v1", {"user_id": str(KIRSTEN)})
        assert await sender.send_due() == 1
        assert [mail["Subject"] for mail in smtp_server.to(KIRSTEN_EMAIL)] == ["Totrinslogin er slået fra"]

    async def test_an_erasure_is_confirmed_with_its_time_and_so_is_its_withdrawal(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        ids = {"request_id": str(uuid4()), "subject_id": str(KIRSTEN)}
        await deliver("gdpr.erasure_scheduled.v1", ids | {"runs_at": "2031-03-10T09:00:00Z"})
        await deliver("gdpr.erasure_withdrawn.v1", ids | {"version": 2})
        await sender.send_due()
        scheduled, withdrawn = smtp_server.to(KIRSTEN_EMAIL)
        assert "mandag den 10. marts 2031 kl. 10.00" in text_of(scheduled)
        assert withdrawn["Subject"] == "Din konto bliver ikke slettet"

    @pytest.mark.parametrize(
        ("type_", "data", "subject"),
        [
            ("user.password_changed.v1", {"reason": "changed"}, "Din adgangskode er ændret"),
            ("user.password_changed.v1", {"reason": "reset"}, "Din adgangskode er ændret"),
            ("user.mfa_enabled.v1", {}, "Totrinslogin er slået til"),
            ("user.passkey_added.v1", {}, "Der er tilføjet en adgangsnøgle"),
            ("user.passkey_removed.v1", {}, "En adgangsnøgle er slettet"),
            ("user.role_changed.v1", {"role": "staff"}, "Din rolle er ændret"),
            ("calendar.feed_created.v1", {}, "Der er oprettet et kalenderlink til dine tider"),
            ("calendar.feed_created.v1", {"by_staff": True}, "Salonen har oprettet et kalenderlink til dine tider"),
        ],
    )
    async def test_what_happens_to_an_account_is_told_by_mail_and_in_the_app_whatever_is_switched_off(
        self,
        type_: str,
        data: dict[str, Any],
        subject: str,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        execute: Execute,
    ) -> None:
        choices = '{"account": {"mail": false}, "booking": {"mail": false}}'
        off = (
            "INSERT INTO notifications.preferences (user_id, choices, version) VALUES (:id, CAST(:choices AS jsonb), 1)"
        )
        await execute(off, id=KIRSTEN, choices=choices)
        person: dict[str, Any] = {
            "user_id": str(KIRSTEN),
            "owner_id": str(KIRSTEN),
            "feed_id": str(uuid4()),
            "kind": "customer",
        }
        person |= {"email": KIRSTEN_EMAIL, "full_name": "Kirsten Ærø", "phone": None, "language": "da"}
        await deliver(type_, person | {"role": "customer", "email_verified": True, "active": True} | data, version=2)
        assert await sender.send_due() == 1
        assert [mail["Subject"] for mail in smtp_server.to(KIRSTEN_EMAIL)] == [subject]
        inbox = await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))
        assert [notice["title"] for notice in inbox.json()["items"]] == [subject]

    async def test_a_first_password_is_not_reported(self, deliver: Deliver, rows: Rows) -> None:
        await deliver("user.password_changed.v1", {"user_id": str(KIRSTEN), "reason": "first"})
        assert await rows("deliveries") == []

    async def test_a_changed_address_is_told_to_the_new_and_to_the_old_one(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, add_contact: AddContact
    ) -> None:
        change = {"user_id": str(KIRSTEN), "email": "ny@example.com", "old_email": KIRSTEN_EMAIL}
        await deliver("user.email_changed.v1", change | {"full_name": "Kirsten Ærø", "language": "da"}, version=2)
        await add_contact(KIRSTEN, "ny@example.com", "Kirsten Ærø", version=2)
        assert await sender.send_due() == 2
        assert "Fremover skriver vi" in text_of(smtp_server.to("ny@example.com")[0])
        assert "Vi skriver ikke længere" in text_of(smtp_server.to(KIRSTEN_EMAIL)[0])
        assert len(await rows("notices", "position")) == 1
        assert KIRSTEN_EMAIL not in str(await rows("deliveries"))

    @pytest.mark.parametrize("token", [TOKEN, None])
    async def test_a_wanted_address_is_confirmed_from_it_and_told_to_the_present_one(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, token: str | None
    ) -> None:
        data = requested() | {"new_email": "ny@example.com", "token": token and sealed(KIRSTEN)}
        await deliver("user.email_change_requested.v1", data)
        await sender.send_due()
        assert "ved at blive ændret" in smtp_server.to(KIRSTEN_EMAIL)[0]["Subject"]
        assert TOKEN not in text_of(smtp_server.to(KIRSTEN_EMAIL)[0])
        links = [text_of(mail) for mail in smtp_server.to("ny@example.com")]
        assert [f"{APP}/account/confirm-email#token={TOKEN}" in text for text in links] == [True] * bool(token)
        assert TOKEN not in str(await rows("deliveries"))

    async def test_an_invitation_is_not_the_text_of_a_forgotten_password(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("user.invited.v1", requested())
        await deliver("user.invited.v1", requested() | {"role": "customer"})
        await sender.send_due()
        to_employee, to_customer = sorted(text_of(mail) for mail in smtp_server.to(KIRSTEN_EMAIL))
        assert "som medarbejder" in to_employee
        assert "oprettet en konto til dig" in to_customer
        for mail in (to_employee, to_customer):
            assert "bedt om en ny adgangskode" not in mail

    async def test_an_ordinary_login_or_logout_sends_nothing(self, deliver: Deliver, rows: Rows) -> None:
        session = {"session_id": str(uuid4()), "user_id": str(KIRSTEN)}
        await deliver("session.started.v1", session)
        await deliver("session.started.v1", session | {"new_device": False})
        for reason in ("logout", "password_changed", "role_changed", "deactivated"):
            await deliver("session.revoked.v1", session | {"reason": reason})
        assert await rows("deliveries") == []
        assert await rows("notices", "position") == []


async def test_a_recipient_cannot_read_the_delivery_in_the_database(
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
