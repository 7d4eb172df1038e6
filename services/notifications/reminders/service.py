"""Reminders: some hours before an appointment, outside quiet hours, once each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import tell
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
    reminding = ReminderWorker(runtime.database, settings.reminder_hours, QuietHours(*settings.quiet_hours))
    async with transaction(runtime.database, SERVICE_CLAIMS) as session:
        await queries.check_all_again(session)
    await repeat(reminding.remind_due, POLL)


class ReminderWorker:
    """Any number may run at once: an appointment is looked at by one, and each reminder is written once."""

    def __init__(self, database: Database, hours: Sequence[int], quiet: QuietHours) -> None:
        self._database = database
        self._hours = hours
        self._quiet = quiet

    async def remind_due(self) -> int:
        """One batch of appointments. Returns how many were looked at."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            rows = await queries.lock_due_appointments(session, BATCH)
            due: list[tuple[Row, PlannedReminder]] = []
            for row in rows:
                now, later = self._sort(row)
                due += [(row, one) for one in now]
                await queries.schedule_check(session, row["booking_id"], later)
            await _tell(session, due)
        return len(rows)

    def _sort(self, row: Row) -> tuple[list[PlannedReminder], datetime | None]:
        """What is to be told now, and when to look again."""
        if not row["active"]:
            return [], None
        now: datetime = row["now"]
        period = self._quiet.period(now)
        planned = plan(row["starts_at"], row["known_at"], self._hours, self._quiet)
        useful = [one for one in planned if now < one.until]
        due = [one for one in useful if one.due <= now]
        later = [one.due for one in useful if one.due > now]
        if due and period is not None:  # it fell due while nobody was here, and now people sleep
            later += [period[1] for one in due if period[1] < one.until]
            due = []
        return due, min(later, default=None)


async def _tell(session: AsyncSession, due: Sequence[tuple[Row, PlannedReminder]]) -> None:
    """Those not told before."""
    reminders = [
        {"id": new_id(), "booking_id": row["booking_id"], "starts_at": row["starts_at"], "hours": one.hours}
        for row, one in due
    ]
    fresh = await queries.add_reminders(session, reminders)
    told = zip(reminders, due, strict=True)
    await tell(session, [_message(one, row, planned) for one, (row, planned) in told if one["id"] in fresh])


def _message(reminder: dict[str, Any], row: Row, planned: PlannedReminder) -> Message:
    shown = {
        "kind": "reminder",
        "booking_id": str(row["booking_id"]),
        "start": row["facts"]["start"],
        "hours": planned.hours,
    }
    return Message(
        event_id=reminder["id"],
        recipient_id=row["customer_id"],
        kind="reminder",
        part="customer",
        facts=row["facts"],
        shown=shown,
        booking_id=row["booking_id"],
        booking_version=row["version"],
        expires_at=planned.until,
    )
