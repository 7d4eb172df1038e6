"""Deliveries: sent once, tried again, given up; whatever the mail server or the process does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.roles import Role
from services.notifications.deliveries import queue
from services.notifications.deliveries.failures import Failure
from services.notifications.deliveries.sender import Sender
from services.notifications.mail.smtp import MailServer
from services.notifications.tests.conftest import (  # fmt: skip
    AMINA,
    AMINAS,
    KIRSTEN,
    KIRSTENS,
    Know,
    NewSender,
    Rows,
    booking,
    mail_sender,
    until,
)
from services.notifications.tests.postoffice import PostOffice
from shared.testing.services import Deliver

Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]
Arrange = Callable[..., Awaitable[None]]
Headers = Callable[..., dict[str, str]]
MAKE_DUE = "UPDATE notifications.deliveries SET due_at = now() WHERE status = 'queued'"
END_LEASES = "UPDATE notifications.deliveries SET lease_until = now() WHERE status = 'sending'"


async def events(outbox: Outbox, type_: str) -> list[dict[str, Any]]:
    return [row["data"] for row in await outbox() if row["type"] == type_]


@pytest.mark.usefixtures("salon")
class TestOutcomes:
    async def test_a_sent_mail_is_recorded_and_told(
        self, deliver: Deliver, sender: Sender, rows: Rows, outbox: Outbox
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        found = await rows("deliveries")
        assert all(row["status"] == "sent" and row["sent_at"] and row["attempts"] == 1 for row in found)
        told = await events(outbox, "notification.delivered.v1")
        assert {one["recipient_id"] for one in told} == {str(KIRSTEN), str(AMINA)}
        assert "example.com" not in str(told)

    async def test_a_refusal_for_good_fails_at_once_and_is_not_tried_again(
        self, deliver: Deliver, sender: Sender, rows: Rows, outbox: Outbox, post: PostOffice, arrange: Arrange
    ) -> None:
        post.refuse_recipient = "550 5.1.1 no such user"
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert {(row["status"], row["error"]) for row in await rows("deliveries")} == {("failed", "smtp_550")}
        assert len(await events(outbox, "notification.failed.v1")) == 2
        post.refuse_recipient = None
        await arrange(MAKE_DUE)
        assert await sender.send_due() == 0

    @pytest.mark.parametrize("stage", ["refuse_recipient", "refuse_mail"])
    async def test_a_passing_refusal_is_tried_again_later(
        self, stage: str, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        setattr(post, stage, "451 4.3.0 try again")
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        found = await rows("deliveries")
        assert {(row["status"], row["error"]) for row in found} == {("queued", "smtp_451")}
        assert all(row["due_at"] > row["created_at"] for row in found)
        assert await sender.send_due() == 0
        setattr(post, stage, None)
        await arrange(MAKE_DUE)
        assert await sender.send_due() == 2
        assert {row["attempts"] for row in await rows("deliveries")} == {2}

    async def test_refused_too_often_it_fails(
        self, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        post.refuse_recipient = "451 4.3.0 try again"
        await deliver("booking.created.v1", booking(), version=1)
        for _ in range(queue.MOST_REFUSALS):
            await sender.send_due()
            await arrange(MAKE_DUE)
        assert {row["status"] for row in await rows("deliveries")} == {"failed"}

    def test_pauses_grow_to_a_limit_and_differ(self) -> None:
        refused = [queue.retry_pause(attempt, Failure("smtp_451")) for attempt in range(1, 30)]
        assert 4 <= refused[0] <= 6
        assert max(refused) <= queue.AFTER_REFUSAL.longest * 1.2
        assert len(set(refused)) == len(refused)
        away = [queue.retry_pause(attempt, Failure("smtp_unreachable", unreachable=True)) for attempt in range(1, 30)]
        assert max(away) <= queue.AFTER_UNREACHABLE.longest * 1.2


@pytest.mark.usefixtures("salon")
class TestServerTroubles:
    async def test_a_server_that_is_down_costs_time_only(
        self, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        post.close()
        await deliver("booking.created.v1", booking(), version=1)
        assert await sender.send_due() == 0
        assert {row["error"] for row in await rows("deliveries")} == {"smtp_unreachable"}
        post.open()
        await arrange(MAKE_DUE)
        assert await sender.send_due() == 2

    async def test_a_connection_dropped_after_the_mail_repeats_it_under_the_same_id(
        self, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        post.hang_up = True
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        post.hang_up = False
        await arrange(MAKE_DUE)
        await sender.send_due()
        await sender.send_due()
        assert {row["status"] for row in await rows("deliveries")} == {"sent"}
        ids = {str(mail["To"]): {mail["Message-ID"]} for mail in post.mails}
        for mail in post.mails:
            ids[str(mail["To"])].add(mail["Message-ID"])
        assert len(post.mails) > len(ids) == 2
        assert all(len(of_one) == 1 for of_one in ids.values())

    async def test_a_slow_server_is_not_waited_for_longer_than_its_time(
        self, deliver: Deliver, database: Any, rows: Rows, post: PostOffice
    ) -> None:
        post.slow = 5
        impatient = MailServer("127.0.0.1", post.port, None, None, use_tls=False, start_tls=None, timeout=0.2)
        await deliver("booking.created.v1", booking(), version=1)
        await mail_sender(database, impatient).send_due()
        found = {(row["status"], row["error"]) for row in await rows("deliveries")}
        assert ("queued", "smtp_unreachable") in found
        assert {status for status, _ in found} == {"queued"}

    async def test_a_crash_between_sending_and_recording_repeats_the_mail_under_the_same_id(
        self, deliver: Deliver, new_sender: NewSender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        post.slow = 30
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        crashing = asyncio.create_task(new_sender().send_due())
        await until(lambda: len(post.mails) == 1)
        crashing.cancel()
        with suppress(asyncio.CancelledError):
            await crashing
        post.slow = 0
        assert [row["status"] for row in await rows("deliveries")] == ["sending"]
        assert await new_sender().send_due() == 0, "the lease still holds"
        await arrange(END_LEASES)
        assert await new_sender().send_due() == 1
        assert len(post.mails) == 2
        assert post.mails[0]["Message-ID"] == post.mails[1]["Message-ID"]
        assert [row["status"] for row in await rows("deliveries")] == ["sent"]

    async def test_several_senders_at_once_send_each_mail_once(
        self, deliver: Deliver, new_sender: NewSender, post: PostOffice
    ) -> None:
        for _ in range(12):
            await deliver("booking.created.v1", booking(), version=1)
        sent = await asyncio.gather(*(new_sender().send_due() for _ in range(4)))
        assert sum(sent) == 24
        assert len({mail["Message-ID"] for mail in post.mails}) == len(post.mails) == 24

    async def test_a_sender_whose_lease_ran_out_overwrites_nothing(
        self, deliver: Deliver, new_sender: NewSender, rows: Rows, post: PostOffice, arrange: Arrange
    ) -> None:
        post.slow = 0.5
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        late = asyncio.create_task(new_sender().send_due())
        await until(lambda: len(post.mails) == 1)
        await arrange(END_LEASES)
        post.slow = 0
        await new_sender().send_due()
        await late
        [row] = await rows("deliveries")
        assert (row["status"], row["attempts"]) == ("sent", 2)


class TestUnknownPeople:
    async def test_a_delivery_waits_for_a_contact_not_yet_known(
        self, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, know: Know, salon: None
    ) -> None:
        stranger = uuid4()
        await deliver("booking.created.v1", booking(customer_id=str(stranger)), version=1)
        await sender.send_due()
        waiting = {row["recipient_id"]: row for row in await rows("deliveries")}[stranger]
        assert (waiting["status"], waiting["error"], waiting["attempts"]) == ("queued", "no_contact", 0)
        await know(stranger, "late@example.com", "Sen")
        await sender.send_due()
        assert len(post.to("late@example.com")) == 1

    async def test_nobody_is_waited_for_for_ever(
        self, deliver: Deliver, sender: Sender, rows: Rows, arrange: Arrange
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await arrange("UPDATE notifications.deliveries SET give_up_at = now()")
        await sender.send_due()
        assert {(row["status"], row["error"]) for row in await rows("deliveries")} == {("failed", "no_contact")}

    async def test_people_who_left_are_told_nothing(
        self, deliver: Deliver, sender: Sender, rows: Rows, post: PostOffice, salon: None
    ) -> None:
        await deliver("user.deactivated.v1", {"user_id": str(KIRSTEN)}, version=2)
        await deliver("booking.cancelled.v1", booking(status="cancelled"), version=2)
        await sender.send_due()
        assert post.to(KIRSTENS) == []
        failed = {row["recipient_id"]: row["error"] for row in await rows("deliveries") if row["status"] == "failed"}
        assert failed == {KIRSTEN: "contact_inactive"}

    async def test_people_who_came_back_are_told_again_whichever_event_came_first(
        self, deliver: Deliver, sender: Sender, post: PostOffice, salon: None
    ) -> None:
        person = {"user_id": str(KIRSTEN), "email": KIRSTENS, "full_name": "Kirsten Ærø", "language": "da"}
        await deliver("user.reactivated.v1", person | {"role": "customer"}, version=4)
        await deliver("user.deactivated.v1", {"user_id": str(KIRSTEN)}, version=3)
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert len(post.to(KIRSTENS)) == 1

    async def test_an_address_no_mail_can_go_to_fails_for_good(
        self, deliver: Deliver, sender: Sender, rows: Rows, know: Know, salon: None
    ) -> None:
        await know(KIRSTEN, "not an address", version=2)
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        found = {row["recipient_id"]: (row["status"], row["error"]) for row in await rows("deliveries")}
        assert found == {KIRSTEN: ("failed", "address_invalid"), AMINA: ("sent", None)}


@pytest.mark.usefixtures("salon")
class TestStaff:
    async def _failed(self, deliver: Deliver, sender: Sender, post: PostOffice) -> None:
        post.refuse_recipient = "550 5.1.1 no such user"
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await sender.send_due()
        post.refuse_recipient = None

    async def test_failed_deliveries_are_listed_and_sent_again(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        deliver: Deliver,
        sender: Sender,
        post: PostOffice,
        outbox: Outbox,
    ) -> None:
        await self._failed(deliver, sender, post)
        staff = auth_headers(Role.STAFF)
        listing = await client.get("/api/v1/notifications/deliveries?status=failed", headers=staff)
        [failed] = listing.json()["items"]
        assert (failed["error"], failed["channel"], failed["attempts"]) == ("smtp_550", "mail", 1)
        path = f"/api/v1/notifications/deliveries/{failed['id']}/resend"
        again = await client.post(path, headers=staff)
        assert (again.status_code, again.json()["status"]) == (202, "queued")
        [told] = await events(outbox, "notification.resent.v1")
        assert told["delivery_id"] == failed["id"]
        assert await sender.send_due() == 1
        assert len(post.to(AMINAS)) == 1

    async def test_a_mail_sent_again_though_it_arrived_is_a_mail_of_its_own(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, sender: Sender, post: PostOffice
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await sender.send_due()
        staff = auth_headers(Role.STAFF)
        [sent] = (await client.get("/api/v1/notifications/deliveries", headers=staff)).json()["items"]
        await client.post(f"/api/v1/notifications/deliveries/{sent['id']}/resend", headers=staff)
        await sender.send_due()
        assert len({mail["Message-ID"] for mail in post.mails}) == 2

    async def test_one_that_is_being_sent_is_not_sent_again(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, arrange: Arrange, rows: Rows
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await arrange("UPDATE notifications.deliveries SET status = 'sending', lease_until = now() + interval '1 h'")
        [row] = await rows("deliveries")
        path = f"/api/v1/notifications/deliveries/{row['id']}/resend"
        answer = await client.post(path, headers=auth_headers(Role.STAFF))
        assert (answer.status_code, answer.json()["code"]) == (409, "delivery_busy")

    async def test_an_unknown_delivery_is_404(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        path = f"/api/v1/notifications/deliveries/{UUID(int=9)}/resend"
        assert (await client.post(path, headers=auth_headers(Role.ADMIN))).status_code == 404

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.LOCTICIAN])
    async def test_customers_and_locticians_neither_see_nor_resend(
        self, role: Role, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers(role)
        assert (await client.get("/api/v1/notifications/deliveries", headers=headers)).status_code == 403
        path = f"/api/v1/notifications/deliveries/{UUID(int=9)}/resend"
        assert (await client.post(path, headers=headers)).status_code == 403
        assert (await client.get("/api/v1/notifications/deliveries")).status_code == 401
