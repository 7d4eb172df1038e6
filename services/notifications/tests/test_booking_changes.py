"""Mails say what has changed of a booking, why it was cancelled, and lead to the page of the booking."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.links import BOOKING, is_link_token
from domain.messages import seal_message
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import (
    AMINA_EMAIL,
    APP,
    JONAS,
    KIRSTEN,
    KIRSTEN_EMAIL,
    START,
    AddContact,
    Rows,
    booking,
)
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from services.notifications.tests.test_invitations import event_in
from shared.testing.keys import keys_for
from shared.testing.types import Deliver

KEYS = keys_for("booking")
DETOX = UUID(int=2)
LATER = START + timedelta(hours=3)
SALON = {
    "subject_name": "salon",
    "name": "Rodfæstet",
    "legal_name": "Rodfæstet ApS",
    "cvr_number": "12345674",
    "address": "Eksempelgade 12, 2200 København N",
    "phone": "12 34 56 78",
}


class Mailbox:
    """Delivers events, sends what is due, and returns the newest mail to somebody."""

    def __init__(self, deliver: Deliver, sender: Sender, server: SmtpServer) -> None:
        self._deliver, self._sender, self._server = deliver, sender, server
        self.version = 0

    async def after(self, type_: str, data: dict[str, Any], address: str = KIRSTEN_EMAIL) -> Any:
        self.version += 1
        await self._deliver(type_, data, version=self.version)
        while await self._sender.send_due():
            pass
        return self._server.to(address)[-1]


@pytest.fixture
async def mailbox(
    deliver: Deliver, sender: Sender, smtp_server: SmtpServer, salon: None, add_contact: AddContact
) -> Mailbox:
    await add_contact(JONAS, "jonas@example.com", "Jonas Holm", role="loctician")
    await deliver("loctician.updated.v1", {"loctician_id": str(JONAS), "display_name": "Jonas"})
    names = {"da": {"name": "Loc-detox"}, "en": {"name": "Loc detox"}}
    await deliver("treatment.created.v1", {"service_id": str(DETOX), "translations": names})
    return Mailbox(deliver, sender, smtp_server)


def changed_item(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return data | {"items": [data["items"][0] | changes]}


class TestChanges:
    async def test_a_moved_time_is_given_with_the_earlier_one(self, mailbox: Mailbox) -> None:
        first = booking()
        await mailbox.after("booking.created.v1", first)
        moved = booking(UUID(first["booking_id"]), start=LATER, previous_start=START.isoformat())
        mail = await mailbox.after("booking.rescheduled.v1", moved)
        assert mail["Subject"] == "Din tid er flyttet til mandag den 3. marts 2031 kl. 13.00"
        for text in (text_of(mail), html_of(mail)):
            assert "Tidligere tid: mandag den 3. marts 2031 kl. 10.00–11.30" in text
            assert "kl. 13.00–14.30" in text
        assert event_in(mail)["status"] == "CONFIRMED"

    @pytest.mark.parametrize(
        ("changes", "said", "earlier", "now"),
        [
            ({"loctician_id": str(JONAS)}, "en anden loctician", "Tidligere loctician: Amina", "Loctician: Jonas"),
            ({"service_id": str(DETOX)}, "behandlingen er ændret", "Tidligere behandling: Opstramning", "Loc-detox"),
        ],
    )
    async def test_a_change_of_loctician_or_treatment_alone_does_not_say_that_the_time_is_moved(
        self, mailbox: Mailbox, changes: dict[str, Any], said: str, earlier: str, now: str
    ) -> None:
        first = booking()
        await mailbox.after("booking.created.v1", first)
        data = changed_item(first, **changes) | {"previous_start": START.isoformat()}
        mail = await mailbox.after("booking.rescheduled.v1", data)
        assert mail["Subject"] == "Din tid mandag den 3. marts 2031 kl. 10.00 er ændret"
        assert "flyttet" not in text_of(mail)
        for expected in (said, earlier, now):
            assert expected in text_of(mail)
        assert "Tidligere tid" not in text_of(mail)

    async def test_another_length_is_a_change_too(self, mailbox: Mailbox) -> None:
        first = booking()
        await mailbox.after("booking.created.v1", first)
        end = (START + timedelta(minutes=120)).isoformat()
        data = changed_item(first, end=end) | {"end": end, "previous_start": START.isoformat()}
        mail = await mailbox.after("booking.rescheduled.v1", data)
        assert "er ændret" in mail["Subject"]
        assert "Tidligere tid: mandag den 3. marts 2031 kl. 10.00–11.30" in text_of(mail)
        assert "kl. 10.00–12.00" in text_of(mail)

    async def test_a_new_loctician_gets_a_new_booking_and_the_earlier_one_is_told_who_has_it(
        self, mailbox: Mailbox, smtp_server: SmtpServer
    ) -> None:
        first = booking()
        await mailbox.after("booking.created.v1", first)
        await mailbox.after("booking.rescheduled.v1", changed_item(first, loctician_id=str(JONAS)))
        assert [mail["Subject"] for mail in smtp_server.to("jonas@example.com")] == [
            "Ny booking mandag den 3. marts 2031 kl. 10.00"
        ]
        assert "taken over" in text_of(smtp_server.to(AMINA_EMAIL)[-1])

    @pytest.mark.parametrize("known", [True, False])
    async def test_a_pending_booking_that_is_moved_waits_for_the_salon(self, mailbox: Mailbox, known: bool) -> None:
        first = booking(status="pending")
        if known:
            await mailbox.after("booking.created.v1", first)
        moved = booking(UUID(first["booking_id"]), start=LATER, status="pending", previous_start=START.isoformat())
        mail = await mailbox.after("booking.rescheduled.v1", moved)
        assert mail["Subject"] == "Din nye tid mandag den 3. marts 2031 kl. 13.00 venter på vores bekræftelse"
        assert "flyttet" not in text_of(mail)
        assert "Tidligere tid: mandag den 3. marts 2031 kl. 10.00" in text_of(mail)
        assert event_in(mail)["status"] == "TENTATIVE"
        to_amina = await mailbox.after("booking.confirmed.v1", moved | {"status": "confirmed"}, AMINA_EMAIL)
        assert event_in(to_amina)["status"] == "CONFIRMED"

    async def test_a_confirmed_booking_that_a_customer_changes_is_tentative_again(self, mailbox: Mailbox) -> None:
        first = booking()
        await mailbox.after("booking.created.v1", first)
        data = changed_item(first, service_id=str(DETOX)) | {"status": "pending"}
        mail = await mailbox.after("booking.rescheduled.v1", data)
        assert "venter på vores bekræftelse" in mail["Subject"]
        assert "Tidligere behandling: Opstramning" in text_of(mail)
        assert event_in(mail)["status"] == "TENTATIVE"

    async def test_what_is_not_known_of_the_version_before_is_left_out(self, mailbox: Mailbox) -> None:
        mail = await mailbox.after("booking.rescheduled.v1", booking())
        assert "er ændret" in mail["Subject"]
        assert "Tidligere" not in text_of(mail)


REASONS = {
    "by_customer": ("Du har meldt afbud", "The customer has cancelled"),
    "by_salon": ("Vi er desværre nødt til at aflyse", "The salon has cancelled"),
    "not_confirmed": ("Vi nåede desværre ikke at bekræfte", "was not confirmed in time"),
    "series": ("resten af forløbet", "rest of the series"),
    "something_new": ("Din tid er blevet aflyst", "has been cancelled"),
    None: ("Din tid er blevet aflyst", "has been cancelled"),
}


class TestCancellations:
    @pytest.mark.parametrize("reason", REASONS)
    async def test_the_mail_says_why(self, mailbox: Mailbox, smtp_server: SmtpServer, reason: str | None) -> None:
        mail = await mailbox.after("booking.cancelled.v1", booking(status="cancelled", reason=reason))
        assert REASONS[reason][0] in text_of(mail)
        assert REASONS[reason][1] in text_of(smtp_server.to(AMINA_EMAIL)[-1])
        assert "Besked fra salonen" not in text_of(mail)
        assert event_in(mail)["status"] == "CANCELLED"

    async def test_what_the_salon_wrote_is_in_the_mail_to_the_customer_and_nowhere_else(
        self, mailbox: Mailbox, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        data = booking(status="cancelled", reason="by_salon")
        words = "Amina er <b>syg</b>,\nvi ringer til dig."
        data["message"] = seal_message(KEYS, UUID(data["booking_id"]), words)
        mail = await mailbox.after("booking.cancelled.v1", data)
        assert "Besked fra salonen: Amina er <b>syg</b>, vi ringer til dig." in text_of(mail)
        assert "Amina er &lt;b&gt;syg&lt;/b&gt;" in html_of(mail)
        assert "syg" not in text_of(smtp_server.to(AMINA_EMAIL)[-1])
        for table in ("deliveries", "notices", "outbox"):
            assert "syg" not in str(await rows(table, "1"))

    async def test_a_message_of_another_booking_is_not_shown(self, mailbox: Mailbox) -> None:
        data = booking(status="cancelled", reason="by_salon", message=seal_message(KEYS, uuid4(), "Hemmeligt"))
        mail = await mailbox.after("booking.cancelled.v1", data)
        assert "Hemmeligt" not in text_of(mail)
        assert "Vi er desværre nødt til" in text_of(mail)


def links_in(text: str) -> list[str]:
    return re.findall(rf"{APP}/\S+", text)


class TestLinks:
    async def test_a_mail_to_the_customer_leads_to_the_page_and_the_file_of_the_booking(
        self, mailbox: Mailbox, smtp_server: SmtpServer
    ) -> None:
        data = booking()
        mail = await mailbox.after("booking.created.v1", data)
        page, file = links_in(text_of(mail))
        path, _, token = page.partition("?token=")
        assert path == f"{APP}/bookings/{data['booking_id']}"
        assert file == f"{APP}/bookings/{data['booking_id']}.ics?token={token}"
        assert is_link_token(KEYS.shared_with("notifications"), token, BOOKING, UUID(data["booking_id"]), KIRSTEN)
        assert f'href="{page}"' in html_of(mail)
        assert links_in(text_of(smtp_server.to(AMINA_EMAIL)[-1])) == []

    async def test_the_token_is_stored_and_published_nowhere(self, mailbox: Mailbox, rows: Rows) -> None:
        mail = await mailbox.after("booking.created.v1", booking())
        token = links_in(text_of(mail))[0].partition("?token=")[2]
        for table in ("deliveries", "notices", "appointments", "outbox"):
            assert token not in str(await rows(table, "1"))

    async def test_a_mail_of_a_cancellation_has_no_link(self, mailbox: Mailbox) -> None:
        assert links_in(text_of(await mailbox.after("booking.cancelled.v1", booking(status="cancelled")))) == []


class TestSalon:
    async def test_its_name_address_phone_and_company_are_in_mail_and_entry(
        self, mailbox: Mailbox, deliver: Deliver
    ) -> None:
        await deliver("salon.updated.v1", SALON, version=3)
        await deliver("salon.updated.v1", SALON | {"name": "Et gammelt navn"}, version=2)
        mail = await mailbox.after("booking.created.v1", booking())
        for text in (text_of(mail), html_of(mail)):
            for line in ("Rodfæstet", "Eksempelgade 12, 2200 København N", "12 34 56 78"):
                assert line in text
            assert "Rodfæstet ApS, CVR 12345674" in text
        event: Any = event_in(mail)
        assert event["location"] == "Rodfæstet, Eksempelgade 12, 2200 København N"
        assert "12 34 56 78" in event["description"]

    async def test_without_them_the_lines_are_left_out(self, mailbox: Mailbox) -> None:
        mail = await mailbox.after("booking.created.v1", booking())
        assert text_of(mail).rstrip().endswith("Venlig hilsen\nLoctician")
        assert event_in(mail)["location"] == "Loctician"
