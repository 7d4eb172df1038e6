"""Customers are mailed when a request cannot be met although they have proven their address."""

from typing import Any
from uuid import uuid4

import pytest

from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, KIRSTEN, KIRSTEN_EMAIL, RETWIST, START, AddContact
from services.notifications.tests.smtp_server import SmtpServer, text_of
from shared.testing.types import Deliver

REASONS = (
    *("closed", "hold_lapsed", "in_past", "slot_taken", "unknown_loctician", "unknown_treatment"),
    *("customer_overlap", "too_many_open", "too_many_wishes"),
)


def refused(reason: str, *, wish: bool = False) -> dict[str, Any]:
    return {
        "version": 2,
        "request_id": str(uuid4()),
        "customer_id": str(KIRSTEN),
        "kind": "waitlist" if wish else "booking",
        "reason": reason,
        "service_ids": [str(RETWIST)],
        "loctician_id": str(AMINA),
        "start": None if wish else START.isoformat(),
    }


@pytest.mark.usefixtures("salon")
class TestRefusals:
    async def test_the_customer_reads_why(self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer) -> None:
        await deliver("booking.request_refused.v1", refused("hold_lapsed"))
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"] == "Vi kunne ikke booke tiden mandag den 3. marts 2031 kl. 10.00"
        assert "i en halv time" in text_of(mail)

    async def test_of_a_wish_no_time_is_named(self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer) -> None:
        await deliver("booking.request_refused.v1", refused("too_many_wishes", wish=True))
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"] == "Vi kunne ikke skrive dig på ventelisten"
        assert "ti gange" in text_of(mail)

    @pytest.mark.parametrize("language", ["da", "en"])
    async def test_no_code_is_mailed(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact, language: str
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten", version=2, language=language)
        for reason in REASONS:
            for wish in (True, False):
                await deliver("booking.request_refused.v1", refused(reason, wish=wish))
        while await sender.send_due():
            pass
        mails = smtp_server.to(KIRSTEN_EMAIL)
        assert len(mails) == 2 * len(REASONS)
        for mail in mails:
            assert not any(reason in text_of(mail) for reason in REASONS if "_" in reason)
