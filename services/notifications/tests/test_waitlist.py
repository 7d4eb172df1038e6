"""A time that has become free is offered to whoever waits, as long as it is held."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, JONAS, KIRSTEN, KIRSTENS, RETWIST, START, Know, Rows, booking
from services.notifications.tests.postoffice import PostOffice, text_of
from shared.testing.services import Deliver

Headers = Callable[..., dict[str, str]]
Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]


def offer(*, held: timedelta = timedelta(hours=2)) -> dict[str, Any]:
    return {
        "waitlist_id": str(uuid4()),
        "offer_id": str(uuid4()),
        "customer_id": str(KIRSTEN),
        "loctician_id": str(AMINA),
        "treatment_ids": [str(RETWIST)],
        "start": START.isoformat(),
        "end": (START + timedelta(minutes=90)).isoformat(),
        "expires_at": (datetime.now(UTC) + held).isoformat(),
    }


@pytest.mark.usefixtures("salon")
class TestOffers:
    async def test_it_is_told_by_mail_in_the_app_and_in_real_time(
        self,
        deliver: Deliver,
        sender: Sender,
        post: PostOffice,
        outbox: Outbox,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        data = offer()
        await deliver("waitlist.offered.v1", data)
        await sender.send_due()
        [mail] = post.to(KIRSTENS)
        assert mail["Subject"] == "Der er blevet en tid ledig mandag den 3. marts 2031 kl. 10.00"
        assert "Opstramning" in text_of(mail)
        assert "Amina" in text_of(mail)
        assert "Holdes til dig indtil: " in text_of(mail)
        [message] = [row for row in await outbox() if row["type"] == "notification"]
        assert message["data"]["audience"] == [f"user:{KIRSTEN}"]
        assert message["data"]["data"]["offer_id"] == data["offer_id"]
        [notice] = (await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))).json()[
            "items"
        ]
        assert (notice["id"], notice["kind"]) == (message["id"], "waitlist_offered")

    async def test_one_no_longer_held_is_not_sent(
        self, deliver: Deliver, sender: Sender, post: PostOffice, rows: Rows
    ) -> None:
        await deliver("waitlist.offered.v1", offer(held=timedelta(seconds=-1)))
        await sender.send_due()
        assert post.mails == []
        assert [row["error"] for row in await rows("deliveries")] == ["expired"]


@pytest.mark.usefixtures("salon")
class TestAfterwards:
    async def test_a_no_show_is_told_to_both(self, deliver: Deliver, sender: Sender, post: PostOffice) -> None:
        await deliver("booking.no_show.v1", booking(status="no_show"), version=3)
        await sender.send_due()
        assert sorted(mail["Subject"] for mail in post.mails) == [
            "The customer did not come on Monday 3 March 2031 at 10:00",
            "Vi savnede dig mandag den 3. marts 2031 kl. 10.00",
        ]

    async def test_a_completed_visit_is_told_in_the_app_alone(
        self, deliver: Deliver, rows: Rows, outbox: Outbox
    ) -> None:
        await deliver("booking.completed.v1", booking(status="completed"), version=3)
        assert await rows("deliveries") == []
        assert {row["kind"] for row in await rows("notices", "position")} == {"booking_completed"}
        assert len([row for row in await outbox() if row["type"] == "booking_update"]) == 2

    async def test_a_booking_that_no_longer_fits_is_told_to_the_loctician_and_the_salon(
        self, deliver: Deliver, sender: Sender, post: PostOffice, know: Know
    ) -> None:
        staff, admin, other = uuid4(), uuid4(), JONAS
        await know(staff, "staff@example.com", "Sif", role="staff")
        await know(admin, "admin@example.com", "Ane", role="admin")
        await know(other, "jonas@example.com", "Jonas", role="loctician")
        await deliver("booking.conflicted.v1", booking(), version=2)
        await sender.send_due()
        assert {str(mail["To"].addresses[0].addr_spec) for mail in post.mails} == {
            "amina@example.com",
            "staff@example.com",
            "admin@example.com",
        }
        assert "Kirsten Ærø" in text_of(post.to("staff@example.com")[0])
