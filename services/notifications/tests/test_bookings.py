"""Changes of a booking reach customer and loctician by mail, in the app and in real time."""

from datetime import datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from services.notifications.deliveries.sender import Sender
from services.notifications.mail.compose import compose
from services.notifications.names.service import Names
from services.notifications.rendering.texts import single_line
from services.notifications.tests.conftest import (
    AMINA,
    AMINA_EMAIL,
    APP,
    JONAS,
    KIRSTEN,
    KIRSTEN_EMAIL,
    MAIL_FROM,
    RETWIST,
    START,
    AddContact,
    Rows,
    booking,
)
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from shared.messaging.events import new_id
from shared.testing.types import Deliver, Outbox


def _with_jonas(booking_id: UUID, start: datetime) -> dict[str, Any]:
    moved = booking(booking_id, start=start, previous_start=START.isoformat())
    moved["items"][0]["loctician_id"] = str(JONAS)
    return moved


async def pushed(outbox: Outbox, type_: str) -> list[dict[str, Any]]:
    return [row["data"] for row in await outbox() if row["exchange"] == "loctician.realtime" and row["type"] == type_]


@pytest.mark.usefixtures("salon")
class TestMails:
    async def test_customer_and_loctician_get_mails_in_their_own_languages(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        assert await sender.send_due() == 2
        [to_customer], [to_loctician] = smtp_server.to(KIRSTEN_EMAIL), smtp_server.to(AMINA_EMAIL)
        assert to_customer["Subject"] == "Din tid mandag den 3. marts 2031 kl. 10.00 er booket"
        assert to_loctician["Subject"] == "New booking on Monday 3 March 2031 at 10:00"
        for expected in (
            "Hej Kirsten Ærø",
            "Opstramning",
            "mandag den 3. marts 2031 kl. 10.00–11.30",
            "Amina",
            "649 kr.",
        ):
            assert expected in text_of(to_customer)
            assert expected in html_of(to_customer)
        for expected in ("Hello Amina Diallo", "Retwist", "10:00–11:30", "Kirsten Ærø", "DKK 649"):
            assert expected in text_of(to_loctician)

    async def test_for_a_walk_in_only_the_loctician_gets_a_mail_and_nobody_a_reminder(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(uuid4()), walk_in=True), version=1)
        assert await sender.send_due() == 1
        [to_loctician] = smtp_server.to(AMINA_EMAIL)
        assert "A customer" in text_of(to_loctician)
        assert [row["recipient_id"] for row in await rows("deliveries")] == [AMINA]
        assert [row["active"] for row in await rows("appointments", "booking_id")] == [False]

    async def test_a_mail_names_its_sender_and_is_marked_as_generated(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["From"] == "Loctician <no-reply@loctician.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == "da"
        assert mail["Message-ID"].endswith("@loctician.example>")
        assert mail["Date"]
        assert mail.get_content_type() in {"multipart/alternative", "multipart/mixed"}

    async def test_a_cancellation_is_sent_to_customer_and_loctician(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await deliver("booking.cancelled.v1", booking(booking_id, status="cancelled"), version=2)
        await sender.send_due()
        await sender.send_due()
        assert smtp_server.to(KIRSTEN_EMAIL)[-1]["Subject"].endswith("er aflyst")
        assert smtp_server.to(AMINA_EMAIL)[-1]["Subject"].endswith("is cancelled")
        assert len(smtp_server.mails) == 4

    async def test_the_mail_about_a_request_says_that_it_will_be_confirmed(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(status="pending"), version=1)
        await sender.send_due()
        assert "bekræfter tiden hurtigst muligt" in text_of(smtp_server.to(KIRSTEN_EMAIL)[0])

    async def test_each_loctician_gets_only_their_own_items(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        await add_contact(JONAS, "jonas@example.com", "Jonas", role="loctician")
        await deliver("loctician.updated.v1", {"loctician_id": str(JONAS), "display_name": "Jonas"})
        first, second = booking(), booking(start=START + timedelta(minutes=90))
        second["items"][0]["loctician_id"] = str(JONAS)
        both = first | {"items": first["items"] + second["items"], "end": second["end"], "price_amount": 129800}
        await deliver("booking.created.v1", both, version=1)
        await sender.send_due()
        [to_jonas] = smtp_server.to("jonas@example.com")
        assert "11.30–13.00" in text_of(to_jonas)
        assert "10.00–11.30" not in text_of(to_jonas)
        assert "649 kr." in text_of(to_jonas)
        assert "1.298 kr." in text_of(smtp_server.to(KIRSTEN_EMAIL)[0])

    async def test_a_loctician_who_is_replaced_gets_a_cancellation(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact, outbox: Outbox
    ) -> None:
        await add_contact(JONAS, "jonas@example.com", "Jonas", role="loctician")
        await deliver("loctician.updated.v1", {"loctician_id": str(JONAS), "display_name": "Jonas"})
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await deliver("booking.rescheduled.v1", _with_jonas(booking_id, START + timedelta(hours=3)), version=2)
        for _ in range(2):
            await sender.send_due()
        assert [mail["Subject"] for mail in smtp_server.to(AMINA_EMAIL)] == [
            "New booking on Monday 3 March 2031 at 10:00",
            "Booking on Monday 3 March 2031 at 10:00 is cancelled",
        ]
        assert [mail["Subject"] for mail in smtp_server.to("jonas@example.com")] == [
            "Ny booking mandag den 3. marts 2031 kl. 13.00"
        ]
        assert "taken over" in text_of(smtp_server.to(AMINA_EMAIL)[-1])
        updates = [
            message for message in await pushed(outbox, "booking_update") if message["audience"] == [f"user:{AMINA}"]
        ]
        assert [message["data"]["status"] for message in updates] == ["confirmed", "cancelled"]

    async def test_a_loctician_who_is_the_customer_gets_one_mail(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)
        await sender.send_due()
        assert len(smtp_server.to(AMINA_EMAIL)) == 1


@pytest.mark.usefixtures("salon")
class TestDelivery:
    async def test_deliveries_are_stored_before_anything_is_sent(
        self, deliver: Deliver, rows: Rows, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        deliveries = await rows("deliveries")
        assert {(row["recipient_id"], row["channel"], row["status"]) for row in deliveries} == {
            (KIRSTEN, "mail", "queued"),
            (AMINA, "mail", "queued"),
        }
        assert smtp_server.mails == []

    async def test_an_event_that_is_delivered_twice_is_handled_once(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        event_id, data = new_id(), booking()
        assert await deliver("booking.created.v1", data, version=1, event_id=event_id)
        assert not await deliver("booking.created.v1", data, version=1, event_id=event_id)
        await sender.send_due()
        await sender.send_due()
        assert (len(smtp_server.mails), len(await rows("notices"))) == (2, 2)

    async def test_an_older_event_that_arrives_late_is_ignored(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, outbox: Outbox
    ) -> None:
        booking_id = uuid4()
        await deliver("booking.cancelled.v1", booking(booking_id, status="cancelled"), version=2)
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await sender.send_due()
        await sender.send_due()
        assert [mail["Subject"].endswith(("aflyst", "cancelled")) for mail in smtp_server.mails] == [True, True]
        assert len(await pushed(outbox, "availability_update")) == 1

    async def test_mails_about_one_booking_are_sent_in_the_order_of_its_versions(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        booking_id = uuid4()
        smtp_server.refuse_recipient = "451 4.3.0 later"
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await sender.send_due()
        await deliver("booking.cancelled.v1", booking(booking_id, status="cancelled"), version=2)
        smtp_server.refuse_recipient = None
        assert await sender.send_due() == 0
        assert smtp_server.mails == []


NAMES = st.one_of(
    st.sampled_from(
        [
            "Eve\r\nBcc: everybody@example.com",
            "Eve\n\nA body of her own",
            "<script>alert(1)</script>",
            "{{ 7*7 }}{% for x in range(9) %}x{% endfor %}",
            '"><img src=x onerror=alert(1)>',
            "\u202egnp.exe",
            '"Eve" <eve@example.com>, other@example.com',
            "=?utf-8?q?Bcc=3A?=",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60),
)


def composed(name: str) -> EmailMessage:
    """A mail in which every name is this one."""
    data = booking()
    row = {
        "kind": "booking_created",
        "part": "loctician",
        "language": "en",
        "full_name": name,
        "email": "eve@example.com",
        "booking_id": data["booking_id"],
        "booking_version": 1,
        "data": {key: data[key] for key in ("customer_id", "start", "price_amount", "items")},
    }
    called = Names({RETWIST: {"en": name}}, {AMINA: name}, {KIRSTEN: name})
    return compose(row, called, MAIL_FROM, "<1@loctician.example>", APP)


class Markup(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Any]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


HARMLESS = composed("Eve")


class TestHostileNames:
    @given(name=NAMES)
    @bounded(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_no_name_becomes_a_header_a_recipient_or_markup(self, name: str) -> None:
        mail = BytesParser(policy=default).parsebytes(composed(name).as_bytes())
        assert isinstance(mail, EmailMessage)
        assert sorted(mail.keys()) == sorted(HARMLESS.keys())
        assert [address.addr_spec for address in mail["To"].addresses] == ["eve@example.com"]
        assert mail["Subject"] == HARMLESS["Subject"]
        assert mail.is_multipart() == HARMLESS.is_multipart()
        assert Markup(html_of(mail)).tags == Markup(html_of(HARMLESS)).tags

    @given(name=NAMES)
    @bounded(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_a_name_is_unchanged_but_on_one_line(self, name: str) -> None:
        shown = single_line(name)
        lines = text_of(composed(name)).splitlines()
        assert f"Hello {shown}".rstrip() in [line.rstrip() for line in lines]
        assert len(lines) == len(text_of(HARMLESS).splitlines())

    async def test_hostile_names_are_harmless_in_a_mail_that_was_sent(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact, salon: None
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Eve\r\nBcc: everybody@example.com <b>{{ 7*7 }}</b>", version=2)
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert sorted(smtp_server.recipients) == [[AMINA_EMAIL], [KIRSTEN_EMAIL]]
        [mail] = smtp_server.to(AMINA_EMAIL)
        assert mail["Bcc"] is None
        assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in html_of(mail)


@pytest.mark.usefixtures("salon")
class TestRealtime:
    async def test_each_person_gets_a_message_of_their_own_with_their_own_items(
        self, deliver: Deliver, outbox: Outbox
    ) -> None:
        data = booking()
        await deliver("booking.created.v1", data, version=1)
        updates = await pushed(outbox, "booking_update")
        assert sorted(update["audience"] for update in updates) == [[f"user:{AMINA}"], [f"user:{KIRSTEN}"]]
        assert updates[0]["data"] == {
            "booking_id": data["booking_id"],
            "status": "confirmed",
            "start": "2031-03-03T09:00:00Z",
            "end": "2031-03-03T10:30:00Z",
            "loctician_id": str(AMINA),
            "version": 1,
        }

    async def test_availability_tells_watchers_the_day_alone(self, deliver: Deliver, outbox: Outbox) -> None:
        """Anybody may watch: no time, no person, and not whether somebody has booked or cancelled."""
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await deliver("booking.cancelled.v1", booking(booking_id, status="cancelled"), version=2)
        for message in await pushed(outbox, "availability_update"):
            assert message["audience"] == [f"loctician:{AMINA}"]
            assert message["data"] == {"loctician_id": str(AMINA), "date": "2031-03-03"}

    async def test_the_day_is_by_the_clock_in_copenhagen(self, deliver: Deliver, outbox: Outbox) -> None:
        await deliver("booking.created.v1", booking(start=START.replace(hour=22)), version=1)
        days = {message["data"]["date"] for message in await pushed(outbox, "availability_update")}
        assert days == {"2031-03-03", "2031-03-04"}

    async def test_another_loctician_changes_the_days_of_both(self, deliver: Deliver, outbox: Outbox) -> None:
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1)
        later = START + timedelta(days=3)
        await deliver("booking.rescheduled.v1", _with_jonas(booking_id, later), version=2)
        updates = [message["data"] for message in await pushed(outbox, "availability_update")][1:]
        assert [(update["loctician_id"], update["date"]) for update in updates] == [
            (str(AMINA), "2031-03-03"),
            (str(JONAS), "2031-03-06"),
        ]

    @pytest.mark.parametrize(("days", "changed"), [(0, ["2031-03-03"]), (1, ["2031-03-03", "2031-03-04"])])
    async def test_a_move_changes_the_old_day_and_the_new(
        self, deliver: Deliver, outbox: Outbox, days: int, changed: list[str]
    ) -> None:
        moved = booking(start=START + timedelta(days=days, hours=3), previous_start=START.isoformat())
        await deliver("booking.rescheduled.v1", moved, version=2)
        updates = [message["data"] for message in await pushed(outbox, "availability_update")]
        assert [update["date"] for update in updates] == changed
