"""Mails with a link that signs in, its code, and what it confirms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.messages import seal_message
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, APP, KIRSTEN, KIRSTEN_EMAIL, RETWIST, AddContact, Rows
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from shared.testing.keys import keys_for
from shared.testing.types import Deliver

TOKEN, CODE = "sign-in_Kx81", "820316"
TIME = "mandag den 29. marts 2027 kl. 10.00–11.30"
BOOKING: dict[str, Any] = {
    "kind": "booking",
    "service_ids": [str(RETWIST)],
    "loctician_id": str(AMINA),
    "start": "2027-03-29T08:00:00Z",
    "end": "2027-03-29T09:30:00Z",
    "price_amount": 64900,
}
WISH = BOOKING | {"kind": "waitlist", "loctician_id": None, "start": None, "end": None, "price_amount": None}


def requested(request: dict[str, Any] | None, sender: str = "auth") -> dict[str, Any]:
    sealed = {name: seal_message(keys_for(sender), KIRSTEN, text) for name, text in (("token", TOKEN), ("code", CODE))}
    person = {"user_id": str(KIRSTEN), "email": KIRSTEN_EMAIL, "full_name": "Kirsten Ærø", "language": "da"}
    expires = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    purpose = "login" if request is None else "request"
    return person | sealed | {"version": 1, "purpose": purpose, "expires_at": expires, "request": request}


@pytest.mark.usefixtures("salon")
class TestMails:
    @pytest.mark.parametrize(
        ("request_", "subject", "said"),
        [
            (None, "Log ind", []),
            (BOOKING, f"Bekræft din tid: {TIME}", ["Opstramning", "Amina", "649 kr."]),
            (WISH, "Bekræft din plads på ventelisten", ["Opstramning"]),
        ],
    )  # fmt: skip
    async def test_has_the_link_the_code_and_what_is_confirmed(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows, request_: dict[str, Any] | None,
        subject: str, said: list[str],
    ) -> None:  # fmt: skip
        await deliver("user.link_requested.v1", requested(request_))
        [waiting] = await rows("deliveries")
        assert TOKEN not in str(waiting)
        assert CODE not in str(waiting)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["subject"] == subject
        for part in (text_of(mail), html_of(mail)):
            assert f"{APP}/sign-in/{TOKEN}" in part
            assert "820 316" in part
            assert [word for word in said if word not in part] == []
        [sent] = await rows("deliveries")
        assert sent["status"] == "sent"
        assert {"token", "code", "to"} & sent["data"].keys() == set()

    async def test_a_name_is_not_shown_to_an_address_that_is_not_verified(
        self, deliver: Deliver, add_contact: AddContact, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Ring 12345678", verified=False, version=2)
        await deliver("user.link_requested.v1", requested(BOOKING) | {"full_name": "Ring 12345678"})
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert "12345678" not in str(mail) + text_of(mail) + html_of(mail)

    async def test_a_code_that_another_service_sealed_is_not_mailed(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("user.link_requested.v1", requested(None, "booking"))
        await sender.send_due()
        assert smtp_server.mails == []
