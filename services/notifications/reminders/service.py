"""Sends each reminder once. A worker checks appointments at the times that the schedule gives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import dispatch
from services.notifications.reminders import queries
from services.notifications.reminders.schedule import PlannedReminder, QuietHours, plan
from services.notifications.rows import Row
from services.notifications.settings import NotificationsSettings
from services.notifications.workers import repeat
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id

POLL = 15.0  # seconds
BATCH = 50


async def run(runtime: Runtime) -> None:
    settings = NotificationsSettings.of(runtime.settings)
    worker = ReminderWorker(runtime.database, settings.reminder_hours, QuietHours(*settings.quiet_hours))
    async with transaction(runtime.database, SERVICE_CLAIMS) as session:
        await queries.check_all_again(session)
    await repeat(worker.remind_due, POLL)


class ReminderWorker:
    """Any number may run at once: an appointment is locked by one of them, and each reminder is stored once."""

    def __init__(self, database: Database, hours: Sequence[int], quiet_hours: QuietHours) -> None:
        self._database = database
        self._hours = hours
        self._quiet_hours = quiet_hours

    async def remind_due(self) -> int:
        """Checks one batch of appointments. Returns how many were checked."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            appointments = await queries.lock_due_appointments(session, BATCH)
            due: list[tuple[Row, PlannedReminder]] = []
            for appointment in appointments:
                reminders, next_check = self._check(appointment)
                due += [(appointment, reminder) for reminder in reminders]
                await queries.schedule_check(session, appointment["booking_id"], next_check)
            await _send(session, due)
        return len(appointments)

    def _check(self, appointment: Row) -> tuple[list[PlannedReminder], datetime | None]:
        """The reminders that are due now, and when to check again."""
        if not appointment["active"]:
            return [], None
        now: datetime = appointment["now"]
        planned = plan(appointment["starts_at"], appointment["agreed_at"], self._hours, self._quiet_hours)
        useful = [reminder for reminder in planned if now < reminder.until]
        due = [reminder for reminder in useful if reminder.due <= now]
        later = [reminder.due for reminder in useful if reminder.due > now]
        quiet = self._quiet_hours.period_at(now)
        if due and quiet is not None:  # due while no worker ran, and now it is night
            later += [quiet[1] for reminder in due if quiet[1] < reminder.until]
            due = []
        return due, min(later, default=None)


async def _send(session: AsyncSession, due: Sequence[tuple[Row, PlannedReminder]]) -> None:
    """Leaves out reminders that were sent before."""
    rows = [
        {
            "id": new_id(),
            "booking_id": appointment["booking_id"],
            "starts_at": appointment["starts_at"],
            "hours": reminder.hours,
        }
        for appointment, reminder in due
    ]
    added = await queries.add_reminders(session, rows)
    pairs = zip(rows, due, strict=True)
    await dispatch(session, [_message(row, *pair) for row, pair in pairs if row["id"] in added])


def _message(row: dict[str, Any], appointment: Row, reminder: PlannedReminder) -> Message:
    app_data = {
        "kind": "reminder",
        "booking_id": str(appointment["booking_id"]),
        "start": appointment["facts"]["start"],
        "hours": reminder.hours,
    }
    return Message(
        event_id=row["id"],
        recipient_id=appointment["customer_id"],
        kind="reminder",
        part="customer",
        mail_data=appointment["facts"],
        app_data=app_data,
        booking_id=appointment["booking_id"],
        booking_version=appointment["version"],
        expires_at=reminder.until,
    )
