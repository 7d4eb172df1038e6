"""Mail for addresses that are not ASCII (RFC 6531): the domain goes out in Punycode, the rest needs SMTPUTF8."""

import pytest

from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import KIRSTEN, AddContact, Rows
from services.notifications.tests.smtp_server import SmtpServer
from shared.testing.types import Deliver


@pytest.fixture
async def mfa_disabled(deliver: Deliver) -> None:
    await deliver("user.mfa_disabled.v1", {"user_id": str(KIRSTEN), "version": 1})


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "sent_to"),
        [
            ("kirsten@blåbær.dk", "kirsten@xn--blbr-roah.dk"),
            ("kirsten@straße.de", "kirsten@xn--strae-oqa.de"),  # IDNA 2003 would make it strasse.de
            ("søren@blåbær.dk", "søren@xn--blbr-roah.dk"),
            ("søren@example.com", "søren@example.com"),
        ],
    )
    async def test_a_server_with_smtputf8_gets_every_address(
        self, address: str, sent_to: str, mfa_disabled: None, sender: Sender, smtp_server: SmtpServer,
        add_contact: AddContact,
    ) -> None:  # fmt: skip
        await add_contact(KIRSTEN, address, "Søren Ærø")
        await sender.send_due()
        assert smtp_server.recipients == [[sent_to]]
        assert sent_to in str(smtp_server.mails[0]["To"])
        assert "Søren Ærø" in str(smtp_server.mails[0]["To"])

    async def test_without_smtputf8_only_the_domain_may_be_other_than_ascii(
        self, mfa_disabled: None, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact,
        rows: Rows,
    ) -> None:  # fmt: skip
        smtp_server.close()
        smtp_server.smtputf8 = False
        smtp_server.open()
        await add_contact(KIRSTEN, "søren@example.com")
        await sender.send_due()
        assert [(row["status"], row["error"]) for row in await rows("deliveries")] == [("failed", "smtp_not_supported")]
        await add_contact(KIRSTEN, "kirsten@blåbær.dk", version=2)
        await deliver("user.mfa_disabled.v1", {"user_id": str(KIRSTEN), "version": 2})
        await sender.send_due()
        assert smtp_server.recipients == [["kirsten@xn--blbr-roah.dk"]]
