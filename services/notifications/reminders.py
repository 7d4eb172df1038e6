"""Reminders: some hours before an appointment, outside quiet hours, once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.clock import COPENHAGEN, copenhagen
from services.notifications import queries
from services.notifications.messages import Message
from services.notifications.queries import Row
from services.notifications.settings import NotificationsSettings
from services.notifications.telling import tell
from services.notifications.wake import repeat
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id

POLL = 15.0  # seconds
BATCH = 50
USEFUL = timedelta(minutes=30)  # before the appointment; later a reminder helps nobody
EVENING = timedelta(minutes=15)  # before quiet hours, so that they have not begun when it is sent


@dataclass(frozen=True)
class Quiet:
    """From one hour to another by the clock in Copenhagen, over midnight or not; the same hour twice is never."""

    begin: int
    end: int

    def period(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """The quiet hours that hold this moment, in UTC."""
        if self.begin == self.end:
            return None
        today = copenhagen(moment).date()
        for day in (today - timedelta(days=1), today):
            last = day if self.begin < self.end else day + timedelta(days=1)
            period = (self._at(day, self.begin), self._at(last, self.end))
            if period[0] <= moment < period[1]:
                return period
        return None

    @staticmethod
    def _at(day: Any, hour: int) -> datetime:
        return datetime.combine(day, time(hour), COPENHAGEN).astimezone(UTC)


@dataclass(frozen=True)
class Planned:
    hours: int
    due: datetime
    until: datetime  # from here on it is of no use


def plan(start: datetime, known_at: datetime, hours: Sequence[int], quiet: Quiet) -> list[Planned]:
    """Earliest first. Counted in hours that pass, so right across clock changes. None that would have been due
    before the time was agreed on."""
    found: dict[datetime, int] = {}
    for before in sorted(hours, reverse=True):
        due = _due(start, known_at, before, quiet)
        if due is not None:
            found.setdefault(due, before)
    dues = sorted(found)
    ends = [*dues[1:], start - USEFUL]
    return [Planned(found[due], due, until) for due, until in zip(dues, ends, strict=False) if due < until]


def _due(start: datetime, known_at: datetime, hours: int, quiet: Quiet) -> datetime | None:
    wanted = start - timedelta(hours=hours)
    if wanted <= known_at:
        return None
    period = quiet.period(wanted)
    if period is None:
        return wanted
    evening, morning = period[0] - EVENING, period[1]
    early_enough = start - morning >= timedelta(hours=hours) / 2
    for moment in (morning, evening) if early_enough else (evening, morning):
        if known_at < moment < start - USEFUL and quiet.period(moment) is None:
            return moment
    return None


async def run(runtime: Runtime) -> None:
    settings = NotificationsSettings.of(runtime.settings)
    reminding = Reminding(runtime.database, settings.reminder_hours, Quiet(*settings.quiet_hours))
    async with transaction(runtime.database, SERVICE_CLAIMS) as session:
        await queries.look_at_all(session)
    await repeat(reminding.remind_due, POLL)


class Reminding:
    """Any number may run at once: an appointment is looked at by one, and each reminder is written once."""

    def __init__(self, database: Database, hours: Sequence[int], quiet: Quiet) -> None:
        self._database = database
        self._hours = hours
        self._quiet = quiet

    async def remind_due(self) -> int:
        """One batch of appointments. Returns how many were looked at."""
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            rows = await queries.to_look_at(session, BATCH)
            due: list[tuple[Row, Planned]] = []
            for row in rows:
                now, later = self._sort(row)
                due += [(row, one) for one in now]
                await queries.look_again(session, row["booking_id"], later)
            await _tell(session, due)
        return len(rows)

    def _sort(self, row: Row) -> tuple[list[Planned], datetime | None]:
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


async def _tell(session: AsyncSession, due: Sequence[tuple[Row, Planned]]) -> None:
    """Those not told before."""
    reminders = [
        {"id": new_id(), "booking_id": row["booking_id"], "starts_at": row["starts_at"], "hours": one.hours}
        for row, one in due
    ]
    fresh = await queries.add_reminders(session, reminders)
    told = zip(reminders, due, strict=True)
    await tell(session, [_message(one, row, planned) for one, (row, planned) in told if one["id"] in fresh])


def _message(reminder: dict[str, Any], row: Row, planned: Planned) -> Message:
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
