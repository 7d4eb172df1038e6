"""Deliveries: sent once, retried, given up, whatever happens to the mail server or the process."""

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
    AMINA_EMAIL,
    KIRSTEN,
    KIRSTEN_EMAIL,
    AddContact,
    NewSender,
    Rows,
    booking,
    mail_sender,
    until,
)
from services.notifications.tests.smtp_server import SmtpServer
from shared.testing.types import Deliver, Headers, Outbox

Execute = Callable[..., Awaitable[None]]
MAKE_DUE = "UPDATE notifications.deliveries SET due_at = now() WHERE status = 'queued'"
END_LEASES = "UPDATE notifications.deliveries SET lease_until = now() WHERE status = 'sending'"


async def events(outbox: Outbox, type_: str) -> list[dict[str, Any]]:
    return [row["data"] for row in await outbox() if row["type"] == type_]


@pytest.mark.usefixtures("salon")
class TestOutcomes:
    async def test_a_sent_mail_is_recorded_and_published(
        self, deliver: Deliver, sender: Sender, rows: Rows, outbox: Outbox
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        deliveries = await rows("deliveries")
        assert all(row["status"] == "sent" and row["sent_at"] and row["attempts"] == 1 for row in deliveries)
        published = await events(outbox, "notification.delivered.v1")
        assert {event["recipient_id"] for event in published} == {str(KIRSTEN), str(AMINA)}
        assert "example.com" not in str(published)

    async def test_a_permanent_refusal_fails_at_once_and_is_not_retried(
        self, deliver: Deliver, sender: Sender, rows: Rows, outbox: Outbox, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.refuse_recipient = "550 5.1.1 no such user"
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert {(row["status"], row["error"]) for row in await rows("deliveries")} == {("failed", "smtp_550")}
        assert len(await events(outbox, "notification.failed.v1")) == 2
        smtp_server.refuse_recipient = None
        await execute(MAKE_DUE)
        assert await sender.send_due() == 0

    @pytest.mark.parametrize("stage", ["refuse_recipient", "refuse_mail"])
    async def test_a_temporary_refusal_is_retried_later(
        self, stage: str, deliver: Deliver, sender: Sender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        setattr(smtp_server, stage, "451 4.3.0 try again")
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        deliveries = await rows("deliveries")
        assert {(row["status"], row["error"]) for row in deliveries} == {("queued", "smtp_451")}
        assert all(row["due_at"] > row["created_at"] for row in deliveries)
        assert await sender.send_due() == 0
        setattr(smtp_server, stage, None)
        await execute(MAKE_DUE)
        assert await sender.send_due() == 2
        assert {row["attempts"] for row in await rows("deliveries")} == {2}

    async def test_a_delivery_that_is_refused_too_often_fails(
        self, deliver: Deliver, sender: Sender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.refuse_recipient = "451 4.3.0 try again"
        await deliver("booking.created.v1", booking(), version=1)
        for _ in range(queue.MOST_REFUSALS):
            await sender.send_due()
            await execute(MAKE_DUE)
        assert {row["status"] for row in await rows("deliveries")} == {"failed"}

    def test_retry_pauses_grow_to_a_limit_with_jitter(self) -> None:
        refused = [queue.retry_pause(attempt, Failure("smtp_451")) for attempt in range(1, 30)]
        assert 4 <= refused[0] <= 6
        assert max(refused) <= queue.AFTER_REFUSAL.longest * 1.2
        assert len(set(refused)) == len(refused)
        away = [queue.retry_pause(attempt, Failure("smtp_unreachable", unreachable=True)) for attempt in range(1, 30)]
        assert max(away) <= queue.AFTER_UNREACHABLE.longest * 1.2


@pytest.mark.usefixtures("salon")
class TestServerFailures:
    async def test_a_mail_is_sent_when_the_server_is_up_again(
        self, deliver: Deliver, sender: Sender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.close()
        await deliver("booking.created.v1", booking(), version=1)
        assert await sender.send_due() == 0
        assert {row["error"] for row in await rows("deliveries")} == {"smtp_unreachable"}
        smtp_server.open()
        await execute(MAKE_DUE)
        assert await sender.send_due() == 2

    async def test_a_mail_is_repeated_with_its_message_id_after_a_lost_connection(
        self, deliver: Deliver, sender: Sender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.hang_up = True
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        smtp_server.hang_up = False
        await execute(MAKE_DUE)
        await sender.send_due()
        await sender.send_due()
        assert {row["status"] for row in await rows("deliveries")} == {"sent"}
        ids = {str(mail["To"]): {mail["Message-ID"]} for mail in smtp_server.mails}
        for mail in smtp_server.mails:
            ids[str(mail["To"])].add(mail["Message-ID"])
        assert len(smtp_server.mails) > len(ids) == 2
        assert all(len(of_one) == 1 for of_one in ids.values())

    async def test_a_slow_server_times_out(
        self, deliver: Deliver, database: Any, rows: Rows, smtp_server: SmtpServer
    ) -> None:
        smtp_server.slow = 5
        impatient = MailServer("127.0.0.1", smtp_server.port, None, None, use_tls=False, start_tls=None, timeout=0.2)
        await deliver("booking.created.v1", booking(), version=1)
        await mail_sender(database, impatient).send_due()
        outcomes = {(row["status"], row["error"]) for row in await rows("deliveries")}
        assert ("queued", "smtp_unreachable") in outcomes
        assert {status for status, _ in outcomes} == {"queued"}

    async def test_a_mail_is_repeated_with_its_message_id_after_a_crash(
        self, deliver: Deliver, new_sender: NewSender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.slow = 30
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        crashing = asyncio.create_task(new_sender().send_due())
        await until(lambda: len(smtp_server.mails) == 1)
        crashing.cancel()
        with suppress(asyncio.CancelledError):
            await crashing
        smtp_server.slow = 0
        assert [row["status"] for row in await rows("deliveries")] == ["sending"]
        assert await new_sender().send_due() == 0, "the lease still holds"
        await execute(END_LEASES)
        assert await new_sender().send_due() == 1
        assert len(smtp_server.mails) == 2
        assert smtp_server.mails[0]["Message-ID"] == smtp_server.mails[1]["Message-ID"]
        assert [row["status"] for row in await rows("deliveries")] == ["sent"]

    async def test_several_senders_at_once_send_each_mail_once(
        self, deliver: Deliver, new_sender: NewSender, smtp_server: SmtpServer
    ) -> None:
        for _ in range(12):
            await deliver("booking.created.v1", booking(), version=1)
        sent = await asyncio.gather(*(new_sender().send_due() for _ in range(4)))
        assert sum(sent) == 24
        assert len({mail["Message-ID"] for mail in smtp_server.mails}) == len(smtp_server.mails) == 24

    async def test_a_sender_whose_lease_ran_out_changes_nothing(
        self, deliver: Deliver, new_sender: NewSender, rows: Rows, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.slow = 0.5
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        late = asyncio.create_task(new_sender().send_due())
        await until(lambda: len(smtp_server.mails) == 1)
        await execute(END_LEASES)
        smtp_server.slow = 0
        await new_sender().send_due()
        await late
        [row] = await rows("deliveries")
        assert (row["status"], row["attempts"]) == ("sent", 2)


class TestRecipients:
    async def test_a_delivery_waits_for_an_unknown_contact(
        self,
        deliver: Deliver,
        sender: Sender,
        rows: Rows,
        smtp_server: SmtpServer,
        add_contact: AddContact,
        salon: None,
    ) -> None:
        stranger = uuid4()
        await deliver("booking.created.v1", booking(customer_id=str(stranger)), version=1)
        await sender.send_due()
        waiting = {row["recipient_id"]: row for row in await rows("deliveries")}[stranger]
        assert (waiting["status"], waiting["error"], waiting["attempts"]) == ("queued", "no_contact", 0)
        await add_contact(stranger, "late@example.com", "Sen")
        await sender.send_due()
        assert len(smtp_server.to("late@example.com")) == 1

    async def test_a_delivery_to_an_unknown_contact_fails_in_the_end(
        self, deliver: Deliver, sender: Sender, rows: Rows, execute: Execute
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await execute("UPDATE notifications.deliveries SET give_up_at = now()")
        await sender.send_due()
        assert {(row["status"], row["error"]) for row in await rows("deliveries")} == {("failed", "no_contact")}

    async def test_deactivated_people_get_nothing(
        self,
        deliver: Deliver,
        sender: Sender,
        rows: Rows,
        smtp_server: SmtpServer,
        salon: None,
        add_contact: AddContact,
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, active=False, version=2)
        await deliver("booking.cancelled.v1", booking(status="cancelled"), version=2)
        await sender.send_due()
        assert smtp_server.to(KIRSTEN_EMAIL) == []
        failed = {row["recipient_id"]: row["error"] for row in await rows("deliveries") if row["status"] == "failed"}
        assert failed == {KIRSTEN: "contact_inactive"}

    async def test_reactivated_people_get_mails_again_in_any_order_of_events(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, salon: None, add_contact: AddContact
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, version=4)
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, active=False, version=3)
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert len(smtp_server.to(KIRSTEN_EMAIL)) == 1

    async def test_an_invalid_address_fails_permanently(
        self, deliver: Deliver, sender: Sender, rows: Rows, add_contact: AddContact, salon: None
    ) -> None:
        await add_contact(KIRSTEN, "not an address", version=2)
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        outcomes = {row["recipient_id"]: (row["status"], row["error"]) for row in await rows("deliveries")}
        assert outcomes == {KIRSTEN: ("failed", "address_invalid"), AMINA: ("sent", None)}


@pytest.mark.usefixtures("salon")
class TestResending:
    async def _failed(self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer) -> None:
        smtp_server.refuse_recipient = "550 5.1.1 no such user"
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await sender.send_due()
        smtp_server.refuse_recipient = None

    async def test_failed_deliveries_are_listed_and_sent_again(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        outbox: Outbox,
    ) -> None:
        await self._failed(deliver, sender, smtp_server)
        staff = auth_headers(Role.STAFF)
        listing = await client.get("/api/v1/notifications/deliveries?status=failed", headers=staff)
        [failed] = listing.json()["items"]
        assert (failed["error"], failed["channel"], failed["attempts"]) == ("smtp_550", "mail", 1)
        path = f"/api/v1/notifications/deliveries/{failed['id']}/resend"
        again = await client.post(path, headers=staff)
        assert (again.status_code, again.json()["status"]) == (202, "queued")
        [event] = await events(outbox, "notification.resent.v1")
        assert event["delivery_id"] == failed["id"]
        assert await sender.send_due() == 1
        assert len(smtp_server.to(AMINA_EMAIL)) == 1

    async def test_a_sent_mail_that_is_sent_again_has_a_new_message_id(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await sender.send_due()
        staff = auth_headers(Role.STAFF)
        [sent] = (await client.get("/api/v1/notifications/deliveries", headers=staff)).json()["items"]
        await client.post(f"/api/v1/notifications/deliveries/{sent['id']}/resend", headers=staff)
        await sender.send_due()
        assert len({mail["Message-ID"] for mail in smtp_server.mails}) == 2

    async def test_a_delivery_that_is_being_sent_cannot_be_sent_again(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, execute: Execute, rows: Rows
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await execute("UPDATE notifications.deliveries SET status = 'sending', lease_until = now() + interval '1 h'")
        [row] = await rows("deliveries")
        path = f"/api/v1/notifications/deliveries/{row['id']}/resend"
        answer = await client.post(path, headers=auth_headers(Role.STAFF))
        assert (answer.status_code, answer.json()["code"]) == (409, "delivery_busy")

    async def test_an_unknown_delivery_is_404(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        path = f"/api/v1/notifications/deliveries/{UUID(int=9)}/resend"
        assert (await client.post(path, headers=auth_headers(Role.ADMIN))).status_code == 404

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.LOCTICIAN])
    async def test_customers_and_locticians_may_neither_list_nor_resend(
        self, role: Role, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers(role)
        assert (await client.get("/api/v1/notifications/deliveries", headers=headers)).status_code == 403
        path = f"/api/v1/notifications/deliveries/{UUID(int=9)}/resend"
        assert (await client.post(path, headers=headers)).status_code == 403
        assert (await client.get("/api/v1/notifications/deliveries")).status_code == 401
