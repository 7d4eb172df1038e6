"""A free time is offered to a customer on the waitlist while it is held; messages after a visit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.links import OFFER, named_token
from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import (
    AMINA,
    JONAS,
    KIRSTEN,
    KIRSTEN_EMAIL,
    RETWIST,
    START,
    AddContact,
    Rows,
    booking,
)
from services.notifications.tests.smtp_server import SmtpServer, text_of
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Headers, Outbox


def offer(*, held: timedelta = timedelta(hours=2)) -> dict[str, Any]:
    return {
        "waitlist_id": str(uuid4()),
        "offer_id": str(uuid4()),
        "customer_id": str(KIRSTEN),
        "loctician_id": str(AMINA),
        "service_ids": [str(RETWIST)],
        "start": START.isoformat(),
        "end": (START + timedelta(minutes=90)).isoformat(),
        "expires_at": (datetime.now(UTC) + held).isoformat(),
    }


@pytest.mark.usefixtures("salon")
class TestOffers:
    async def test_an_offer_is_sent_by_mail_in_the_app_and_in_real_time(
        self,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        outbox: Outbox,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        data = offer()
        await deliver("waitlist.offered.v1", data)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"] == "Der er blevet en tid ledig mandag den 3. marts 2031 kl. 10.00"
        assert "Opstramning" in text_of(mail)
        assert "Amina" in text_of(mail)
        assert "Holdes til dig indtil: " in text_of(mail)
        assert "Svar senest kl. " in text_of(mail)
        token = named_token(keys_for("booking").shared_with("notifications"), OFFER, UUID(data["offer_id"]))
        assert f"/offers/{token}\n" in text_of(mail)
        [message] = [row for row in await outbox() if row["type"] == "notification"]
        assert message["data"]["audience"] == [f"user:{KIRSTEN}"]
        assert message["data"]["data"]["offer_id"] == data["offer_id"]
        [notice] = (await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))).json()[
            "items"
        ]
        assert (notice["id"], notice["kind"]) == (message["id"], "waitlist_offered")

    async def test_an_expired_offer_is_not_sent(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        await deliver("waitlist.offered.v1", offer(held=timedelta(seconds=-1)))
        await sender.send_due()
        assert smtp_server.mails == []
        assert [row["error"] for row in await rows("deliveries")] == ["expired"]


@pytest.mark.usefixtures("salon")
class TestOutcomes:
    async def test_a_no_show_is_sent_to_customer_and_loctician(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.no_show.v1", booking(status="no_show"), version=3)
        await sender.send_due()
        assert sorted(mail["Subject"] for mail in smtp_server.mails) == [
            "The customer did not come on Monday 3 March 2031 at 10:00",
            "Vi savnede dig mandag den 3. marts 2031 kl. 10.00",
        ]

    async def test_a_completed_visit_is_shown_in_the_app_only(
        self, deliver: Deliver, rows: Rows, outbox: Outbox
    ) -> None:
        await deliver("booking.completed.v1", booking(status="completed"), version=3)
        assert await rows("deliveries") == []
        assert {row["kind"] for row in await rows("notices", "position")} == {"booking_completed"}
        assert len([row for row in await outbox() if row["type"] == "booking_update"]) == 2

    async def test_a_conflicted_booking_is_sent_to_the_loctician_and_the_salon(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        staff, admin, other = uuid4(), uuid4(), JONAS
        await add_contact(staff, "staff@example.com", "Sif", role="staff")
        await add_contact(admin, "admin@example.com", "Ane", role="admin")
        await add_contact(other, "jonas@example.com", "Jonas", role="loctician")
        await deliver("booking.conflicted.v1", booking(), version=2)
        await sender.send_due()
        assert {str(mail["To"].addresses[0].addr_spec) for mail in smtp_server.mails} == {
            "amina@example.com",
            "staff@example.com",
            "admin@example.com",
        }
        assert "Kirsten Ærø" in text_of(smtp_server.to("staff@example.com")[0])
