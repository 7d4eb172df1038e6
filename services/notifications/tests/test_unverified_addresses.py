"""Anybody can register the address of somebody else under a text of their own: mails there do not show the name."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest

from domain.messages import seal_message
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import KIRSTEN, KIRSTEN_EMAIL, AddContact, booking
from services.notifications.tests.smtp_server import SmtpServer
from shared.testing.keys import keys_for
from shared.testing.types import Deliver

TEXT = "Ring til 70 20 30 40 og vind en rejse"
TOKEN = "v3ryS3cretT0kenThatNobodyMaySeeIn1234567890"


def requested(kind: str) -> dict[str, str]:
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    person = {"user_id": str(KIRSTEN), "email": KIRSTEN_EMAIL, "full_name": TEXT, "language": "da", "role": "customer"}
    more = {"new_email": "ny@example.com"} if kind == "user.email_change_requested.v1" else {}
    return person | {"token": seal_message(keys_for("auth"), KIRSTEN, TOKEN), "expires_at": expires_at} | more


def written(mail: EmailMessage) -> str:
    """All that the mail says, with its recipient and its invitation."""
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    texts = [part.decode().replace("\r\n", "\n") for part in parts if isinstance(part, bytes)]
    return "\n".join([str(mail["To"]), str(mail["Subject"]), *texts])


@pytest.mark.usefixtures("salon")
class TestNames:
    @pytest.mark.parametrize(
        "kind", ["user.verification_requested.v1", "user.password_reset_requested.v1", "user.invited.v1"]
    )
    async def test_a_mail_to_an_unverified_address_shows_no_name(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact, kind: str
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, TEXT, verified=False, version=2)
        await deliver(kind, requested(kind))
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert TEXT not in written(mail)

    async def test_neither_do_the_booking_and_its_invitation(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, TEXT, verified=False, version=2)
        await deliver("booking.created.v1", booking(UUID(int=7)), version=1)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert "BEGIN:VCALENDAR" in written(mail)
        assert "Hej\n" in written(mail)
        assert TEXT not in written(mail)

    async def test_a_verified_address_is_greeted_by_name(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", verified=True, version=2)
        await deliver("booking.created.v1", booking(UUID(int=7)), version=1)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert "Hej Kirsten Ærø\n" in written(mail)

    async def test_the_link_to_a_new_address_shows_no_name(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        """Of an account whose own address is verified: the new one is not."""
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, TEXT, verified=True, version=2)
        await deliver("user.email_change_requested.v1", requested("user.email_change_requested.v1"))
        await sender.send_due()
        [mail] = smtp_server.to("ny@example.com")
        assert TEXT not in written(mail)
        assert TEXT in written(smtp_server.to(KIRSTEN_EMAIL)[0])
