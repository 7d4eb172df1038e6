"""Reminders: before the appointment, outside quiet hours, once, and only for confirmed appointments."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from domain.clock import COPENHAGEN
from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.reminders.schedule import LATEST, QuietHours, plan
from services.notifications.reminders.service import ReminderWorker
from services.notifications.settings import NotificationsSettings
from services.notifications.tests.conftest import KIRSTEN, KIRSTEN_EMAIL, Rows, booking
from services.notifications.tests.smtp_server import SmtpServer, text_of
from shared.database.session import Database
from shared.settings import Settings
from shared.testing.types import Deliver, Headers

Execute = Callable[..., Awaitable[None]]
NIGHT, NEVER = QuietHours(21, 8), QuietHours(0, 0)
HOURS = (24, 2)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN).astimezone(UTC)


def dues(
    start: str, known: str = "2027-01-01T12:00", hours: tuple[int, ...] = HOURS, quiet: QuietHours = NIGHT
) -> list[str]:
    planned = plan(wall(start), wall(known), hours, quiet)
    return [reminder.due.astimezone(COPENHAGEN).isoformat()[:16] for reminder in planned]


class TestPlan:
    def test_reminders_are_due_a_day_and_two_hours_before(self) -> None:
        assert dues("2027-06-15T14:00") == ["2027-06-14T14:00", "2027-06-15T12:00"]

    def test_elapsed_hours_count_across_clock_changes(self) -> None:
        assert dues("2027-03-28T14:00", quiet=NEVER) == ["2027-03-27T13:00", "2027-03-28T12:00"]
        assert dues("2027-10-31T14:00", quiet=NEVER) == ["2027-10-30T15:00", "2027-10-31T12:00"]
        assert dues("2027-03-28T04:00", hours=(2,), quiet=NEVER) == ["2027-03-28T01:00"]

    def test_a_reminder_at_night_moves_to_the_morning_if_that_is_early_enough(self) -> None:
        assert dues("2027-06-15T09:30", hours=(2,)) == ["2027-06-15T08:00"]

    def test_a_reminder_at_night_otherwise_moves_to_the_evening_before(self) -> None:
        assert dues("2027-06-15T08:30", hours=(2,)) == ["2027-06-14T20:45"]

    def test_quiet_hours_follow_the_clock_across_clock_changes(self) -> None:
        assert dues("2027-03-28T09:30", hours=(2,)) == ["2027-03-28T08:00"]
        assert dues("2027-10-31T08:30", hours=(2,)) == ["2027-10-30T20:45"]

    def test_no_reminder_that_was_due_before_the_time_was_agreed_on(self) -> None:
        assert dues("2027-06-15T14:00", known="2027-06-14T20:00") == ["2027-06-15T12:00"]
        assert dues("2027-06-15T14:00", known="2027-06-15T12:30") == []

    def test_no_reminder_of_an_early_appointment_that_was_booked_at_night(self) -> None:
        assert dues("2027-06-15T08:30", known="2027-06-14T22:00") == []

    def test_two_reminders_due_at_the_same_time_become_one(self) -> None:
        assert dues("2027-06-15T20:00", hours=(14, 13)) == ["2027-06-15T08:00"]

    def test_quiet_hours_may_lie_within_one_day(self) -> None:
        assert dues("2027-06-15T14:00", hours=(2,), quiet=QuietHours(11, 13)) == ["2027-06-15T13:00"]

    @given(
        minute=st.integers(0, 3 * 365 * 24 * 60),
        ahead=st.integers(0, 24 * 60),
        hours=st.lists(st.integers(1, 100), max_size=5),
        quiet=st.tuples(st.integers(0, 23), st.integers(0, 23)),
    )
    @bounded(max_examples=300, deadline=None)
    def test_with_any_settings_no_reminder_is_in_quiet_hours_late_or_too_early(
        self, minute: int, ahead: int, hours: list[int], quiet: tuple[int, int]
    ) -> None:
        begin, sleeping = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute), QuietHours(*quiet)
        known = begin - timedelta(hours=ahead)
        planned = plan(begin, known, hours, sleeping)
        assert len(planned) <= len(set(hours))
        assert planned == sorted(planned, key=lambda reminder: reminder.due)
        for reminder in planned:
            assert known < reminder.due < reminder.until <= begin - LATEST
            assert sleeping.period_at(reminder.due) is None


@pytest.fixture
def reminding(database: Database) -> ReminderWorker:
    return ReminderWorker(database, HOURS, NEVER)


def at_in(hours: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


LONG_AGO = "UPDATE notifications.appointments SET agreed_at = now() - interval '10 days', next_check_at = now()"


@pytest.mark.usefixtures("salon")
class TestSending:
    async def test_a_reminder_is_sent_by_mail_and_in_the_app(
        self,
        deliver: Deliver,
        reminding: ReminderWorker,
        sender: Sender,
        smtp_server: SmtpServer,
        execute: Execute,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        data = booking(start=at_in(23))
        await deliver("booking.created.v1", data, version=1)
        await execute(LONG_AGO)
        assert await reminding.remind_due() == 1
        await _send_all(sender)
        [_, mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"].startswith("Husk din tid")
        assert "Opstramning" in text_of(mail)
        [newest, _] = (await client.get("/api/v1/notifications", headers=auth_headers(Role.CUSTOMER, KIRSTEN))).json()[
            "items"
        ]
        assert (newest["kind"], newest["type"]) == ("reminder", "notification")
        assert newest["data"]["booking_id"] == data["booking_id"]

    async def test_no_reminder_is_sent_before_it_is_due(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows
    ) -> None:
        start = at_in(30)
        await deliver("booking.created.v1", booking(start=start), version=1)
        await reminding.remind_due()
        [row] = await rows("appointments", "booking_id")
        assert row["next_check_at"] == start - timedelta(hours=24)
        assert await rows("reminders") == []
        assert await reminding.remind_due() == 0

    async def test_several_workers_send_a_reminder_once(
        self, deliver: Deliver, database: Database, rows: Rows, execute: Execute
    ) -> None:
        for _ in range(5):
            await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await execute(LONG_AGO)
        for _ in range(2):
            await asyncio.gather(*(ReminderWorker(database, HOURS, NEVER).remind_due() for _ in range(4)))
            await execute(LONG_AGO)
        deliveries = [row for row in await rows("deliveries") if row["kind"] == "reminder"]
        assert len(deliveries) == len(await rows("reminders")) == 5

    async def test_an_overdue_reminder_is_sent_while_it_is_useful(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        await deliver("booking.created.v1", booking(start=at_in(1)), version=1)
        await execute(LONG_AGO)
        await reminding.remind_due()
        assert [row["hours"] for row in await rows("reminders")] == [2], "the reminder a day before is too late"

    async def test_no_reminder_of_an_appointment_that_begins_now_or_is_over(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        for hours in (0.3, -1, -30):
            await deliver("booking.created.v1", booking(start=at_in(hours)), version=1)
        await execute(LONG_AGO)
        await reminding.remind_due()
        assert await rows("reminders") == []

    async def test_no_reminder_of_an_appointment_that_was_booked_shortly_before(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows
    ) -> None:
        await deliver("booking.created.v1", booking(start=at_in(1.5)), version=1)
        await reminding.remind_due()
        assert await rows("reminders") == []

    async def test_no_reminder_of_an_unconfirmed_request(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        booking_id, start = uuid4(), at_in(23)
        await deliver("booking.created.v1", booking(booking_id, start=start, status="pending"), version=1)
        await execute(LONG_AGO)
        await reminding.remind_due()
        assert await rows("reminders") == []

    async def test_an_overdue_reminder_waits_for_the_end_of_quiet_hours(
        self, deliver: Deliver, database: Database, rows: Rows, execute: Execute
    ) -> None:
        hour = datetime.now(COPENHAGEN).hour
        quiet = QuietHours(hour, (hour + 2) % 24)
        await deliver("booking.created.v1", booking(start=at_in(20)), version=1)
        await execute(LONG_AGO)
        await ReminderWorker(database, HOURS, quiet).remind_due()
        period = quiet.period_at(datetime.now(UTC))
        assert period is not None
        [row] = await rows("appointments", "booking_id")
        assert await rows("reminders") == []
        assert row["next_check_at"] == period[1]


@pytest.mark.usefixtures("salon")
class TestChanges:
    async def test_no_reminder_of_a_cancelled_appointment(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        booking_id, start = uuid4(), at_in(23)
        await deliver("booking.created.v1", booking(booking_id, start=start), version=1)
        await deliver("booking.cancelled.v1", booking(booking_id, start=start, status="cancelled"), version=2)
        await execute(LONG_AGO)
        await reminding.remind_due()
        assert await rows("reminders") == []

    async def test_a_moved_appointment_gets_a_reminder_for_its_new_time(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id, start=at_in(23)), version=1)
        await execute(LONG_AGO)
        await reminding.remind_due()
        later = at_in(72)
        await deliver("booking.rescheduled.v1", booking(booking_id, start=later), version=2)
        await reminding.remind_due()
        [row] = await rows("appointments", "booking_id")
        assert row["next_check_at"] == later - timedelta(hours=24)
        assert len(await rows("reminders")) == 1

    async def test_a_change_that_keeps_the_time_sends_no_second_reminder(
        self, deliver: Deliver, reminding: ReminderWorker, rows: Rows, execute: Execute
    ) -> None:
        booking_id, start = uuid4(), at_in(23)
        await deliver("booking.created.v1", booking(booking_id, start=start), version=1)
        await execute(LONG_AGO)
        await reminding.remind_due()
        await deliver("booking.rescheduled.v1", booking(booking_id, start=start), version=2)
        await reminding.remind_due()
        assert len(await rows("reminders")) == 1

    @pytest.mark.parametrize("change", ["cancelled", "moved"])
    async def test_a_queued_reminder_is_dropped_when_its_appointment_changes(
        self,
        change: str,
        deliver: Deliver,
        reminding: ReminderWorker,
        sender: Sender,
        smtp_server: SmtpServer,
        rows: Rows,
        execute: Execute,
    ) -> None:
        booking_id, start = uuid4(), at_in(23)
        await deliver("booking.created.v1", booking(booking_id, start=start), version=1)
        await _send_all(sender)
        await execute(LONG_AGO)
        await reminding.remind_due()
        if change == "cancelled":
            data = booking(booking_id, start=start, status="cancelled")
            await deliver("booking.cancelled.v1", data, version=2)
        else:
            await deliver("booking.rescheduled.v1", booking(booking_id, start=at_in(50)), version=2)
        await _send_all(sender)
        assert [mail["Subject"].startswith("Husk") for mail in smtp_server.to(KIRSTEN_EMAIL)] == [False, False]
        [reminder] = [row for row in await rows("deliveries") if row["kind"] == "reminder"]
        assert (reminder["status"], reminder["error"]) == ("dropped", "overtaken")

    async def test_a_reminder_that_could_not_be_sent_in_time_is_not_sent(
        self,
        deliver: Deliver,
        reminding: ReminderWorker,
        sender: Sender,
        smtp_server: SmtpServer,
        rows: Rows,
        execute: Execute,
    ) -> None:
        await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await _send_all(sender)
        await execute(LONG_AGO)
        await reminding.remind_due()
        await execute("UPDATE notifications.deliveries SET expires_at = now() WHERE kind = 'reminder'")
        await _send_all(sender)
        assert len(smtp_server.to(KIRSTEN_EMAIL)) == 1
        assert ("failed", "expired") in {(row["status"], row["error"]) for row in await rows("deliveries")}


async def _send_all(sender: Sender) -> None:
    while await sender.send_due():
        pass


class TestSettings:
    def _with(self, settings: Settings, **values: Any) -> NotificationsSettings:
        return NotificationsSettings.model_validate(settings.model_dump() | values)

    def test_hours_and_quiet_hours_are_read_from_text(self, settings: Settings) -> None:
        changed = self._with(settings, reminder_hours="48, 3", quiet_hours="22-7")
        assert (changed.reminder_hours, changed.quiet_hours) == ((48, 3), (22, 7))
        assert self._with(settings, reminder_hours="").reminder_hours == ()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"reminder_hours": "0"},
            {"reminder_hours": "soon"},
            {"reminder_hours": "1,2,3,4,5,6"},
            {"quiet_hours": "21"},
            {"quiet_hours": "21-24"},
            {"app_url": "javascript:alert(1)"},
            {"sms_provider": "twilio"},
            {"sms_provider": "twilio", "sms_api_key": "only-one-part"},
            {"sms_provider": "pigeon"},
        ],
    )
    def test_a_wrong_setting_is_refused(self, settings: Settings, wrong: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="validation error"):
            self._with(settings, **wrong)

    def test_links_lead_to_the_gateway_without_app_url(self, settings: Settings) -> None:
        assert self._with(settings).link_base == settings.public_url
        assert self._with(settings, app_url="https://app.example").link_base == "https://app.example"
