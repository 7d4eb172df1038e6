"""Mails about an appointment carry it as an invitation: RFC 5545 and RFC 5546."""

import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from icalendar import Calendar, Component

from services.notifications.deliveries.sender import Sender
from services.notifications.mail.invitations import FILE, create
from services.notifications.names.service import Names
from services.notifications.rendering import samples
from services.notifications.tests.conftest import AMINA_EMAIL, KIRSTEN_EMAIL, START, booking
from services.notifications.tests.smtp_server import SmtpServer
from shared.testing.node import run_script
from shared.testing.types import Deliver


def invitation_in(mail: EmailMessage) -> Component:
    [part] = [part_ for part_ in mail.walk() if part_.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    assert isinstance(calendar, Component)
    assert part.get_param("method") == calendar["method"]
    return calendar


def event_in(mail: EmailMessage) -> Component:
    [event] = invitation_in(mail).walk("VEVENT")
    return event


@pytest.mark.usefixtures("salon")
class TestInvitations:
    async def test_a_booking_is_a_request_with_its_time_and_zone(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        calendar, event = invitation_in(mail), event_in(mail)
        assert calendar["method"] == "REQUEST"
        assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Copenhagen"]
        assert event["uid"] == f"booking-{booking_id}@loctician.example"
        assert event["sequence"] == 1
        assert event["status"] == "CONFIRMED"
        assert event.decoded("dtstart") == START
        assert event["dtstart"].params["TZID"] == "Europe/Copenhagen"
        assert event.decoded("dtend") == START + timedelta(minutes=90)
        assert event["summary"] == "Opstramning"
        assert event["organizer"] == "mailto:no-reply@loctician.example"
        assert event["attendee"] == f"mailto:{KIRSTEN_EMAIL}"

    async def test_moving_and_cancelling_update_the_same_entry_with_a_higher_sequence(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        booking_id, later = uuid4(), START + timedelta(days=1)
        await deliver("booking.created.v1", booking(booking_id), version=1)
        await deliver("booking.rescheduled.v1", booking(booking_id, start=later), version=2)
        await deliver("booking.cancelled.v1", booking(booking_id, start=later, status="cancelled"), version=3)
        for _ in range(3):
            await sender.send_due()
        for address in (KIRSTEN_EMAIL, AMINA_EMAIL):
            mails = smtp_server.to(address)
            events = [event_in(mail) for mail in mails]
            assert [str(invitation_in(mail)["method"]) for mail in mails] == ["REQUEST", "REQUEST", "CANCEL"]
            assert len({str(event["uid"]) for event in events}) == 1
            assert [event["sequence"] for event in events] == [1, 2, 3]
            assert events[1].decoded("dtstart") == later
            assert str(events[2]["status"]) == "CANCELLED"

    async def test_the_invitation_is_attached_as_a_file_too(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        [file] = list(mail.iter_attachments())
        assert file.get_filename() == FILE
        assert file.get_content().replace(b"\r\n", b"\n").strip() == _calendar_text(mail).strip()

    async def test_an_unconfirmed_request_is_tentative(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.created.v1", booking(status="pending"), version=1)
        await sender.send_due()
        assert event_in(smtp_server.to(KIRSTEN_EMAIL)[0])["status"] == "TENTATIVE"

    async def test_other_mails_have_no_invitation(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("booking.no_show.v1", booking(status="no_show"), version=3)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail.get_content_type() == "multipart/alternative"


def _calendar_text(mail: EmailMessage) -> bytes:
    [part] = [part_ for part_ in mail.walk() if part_.get_content_type() == "text/calendar"]
    content: str = part.get_content()
    return content.replace("\r\n", "\n").encode()


def invitation(kind: str, start: datetime) -> bytes:
    sample = samples.delivery(kind, "customer", "da")
    end = start + timedelta(minutes=50)
    sample["data"]["items"][0] |= {"start": start.isoformat(), "end": end.isoformat()}
    content: bytes = create(sample, samples.NAMES, "Loctician <no-reply@loctician.example>", "Din tid").to_ical()
    return content


class TestClockChanges:
    @pytest.mark.parametrize(
        "start",
        [
            datetime(2027, 3, 28, 8, tzinfo=UTC),  # the day the clock goes forward
            datetime(2027, 10, 31, 0, 30, tzinfo=UTC),  # the hour that comes twice, first
            datetime(2027, 10, 31, 1, 30, tzinfo=UTC),  # and second
        ],
    )
    def test_a_calendar_shows_the_instant_that_was_booked(self, start: datetime) -> None:
        sample = samples.delivery("booking_created", "customer", "da")
        item = sample["data"]["items"][0]
        item |= {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        calendar = create(sample, samples.NAMES, "Loctician <no-reply@loctician.example>", "Din tid")
        again = Calendar.from_ical(calendar.to_ical())
        [event] = again.walk("VEVENT")
        assert event.decoded("dtstart").astimezone(UTC) == start

    @pytest.mark.parametrize(
        "kind", ["booking_created", "booking_requested", "booking_rescheduled", "booking_cancelled"]
    )
    def test_ical_js_reads_the_instant_with_the_zone_in_the_invitation_alone(self, kind: str) -> None:
        """In summer and winter, and every quarter of an hour around both clock changes."""
        summer, winter = datetime(2027, 7, 1, 8, tzinfo=UTC), datetime(2027, 1, 7, 9, tzinfo=UTC)
        changes = datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 10, 31, tzinfo=UTC)
        starts = [summer, winter, *(day + timedelta(minutes=15 * n - 60) for day in changes for n in range(16))]
        invitations = [invitation(kind, start) for start in starts]
        events = json.loads(run_script("ical_reader.mjs", content=b"".join(invitations)))["events"]
        read = [tuple(datetime.fromisoformat(event[edge]) for edge in ("start", "end")) for event in events]
        assert read == [(start, start + timedelta(minutes=50)) for start in starts]

    @pytest.mark.parametrize(("month", "hours"), [(1, 1), (3, 1), (4, 2), (7, 2), (10, 2), (11, 1)])
    def test_the_rules_of_the_zone_are_copenhagens(self, month: int, hours: int) -> None:
        """Without looking the zone up by its name."""
        calendar = create(samples.delivery("booking_created", "customer", "da"), samples.NAMES, "a@b.example", "Tid")
        (zone,) = Calendar.from_ical(calendar.to_ical()).walk("VTIMEZONE")
        noon = datetime(2027, month, 2, 12, tzinfo=zone.to_tz(lookup_tzid=False))  # type: ignore[attr-defined]
        assert noon.utcoffset() == timedelta(hours=hours)


class TestHostileNames:
    @given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=80))
    @bounded(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_no_name_adds_a_line_or_a_property(self, name: str) -> None:
        hostile = f'{name}\r\nATTENDEE:mailto:eve@example.com\nBEGIN:VALARM;X="{name}":'
        names = Names({samples.RETWIST: {"da": hostile}}, {samples.LOCTICIAN: hostile}, {samples.CUSTOMER: hostile}, {})
        sample = samples.delivery("booking_created", "customer", "da") | {"full_name": hostile}
        calendar = create(sample, names, "Loctician <no-reply@loctician.example>", "Din tid")
        again = Calendar.from_ical(calendar.to_ical())
        [event] = again.walk("VEVENT")
        harmless = create(
            samples.delivery("booking_created", "customer", "da"), samples.NAMES, "S <s@loctician.example>", "Din tid"
        )
        assert [component.name for component in again.walk()] == [component.name for component in harmless.walk()]
        assert sorted(event) == sorted(harmless.walk("VEVENT")[0])
        assert event["attendee"] == "mailto:kirsten@example.com"
        assert event["uid"] == f"booking-{UUID(int=5)}@loctician.example"
