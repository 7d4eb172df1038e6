"""When the reminders of an appointment are due: some hours before it, outside quiet hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from domain.clock import COPENHAGEN, to_copenhagen

LATEST = timedelta(minutes=30)  # before the appointment; a later reminder helps nobody
BEFORE_QUIET_HOURS = timedelta(minutes=15)  # so that they have not begun when the reminder is sent


@dataclass(frozen=True)
class QuietHours:
    """From `begin` to `end`, hours by the clock in Copenhagen; may span midnight. The same hour twice: none."""

    begin: int
    end: int

    def period_at(self, instant: datetime) -> tuple[datetime, datetime] | None:
        """Begin and end (UTC) of the quiet hours that contain the instant; None if none do."""
        if self.begin == self.end:
            return None
        today = to_copenhagen(instant).date()
        for day in (today - timedelta(days=1), today):
            last_day = day if self.begin < self.end else day + timedelta(days=1)
            period = (self._at(day, self.begin), self._at(last_day, self.end))
            if period[0] <= instant < period[1]:
                return period
        return None

    @staticmethod
    def _at(day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), COPENHAGEN).astimezone(UTC)


@dataclass(frozen=True)
class PlannedReminder:
    hours: int  # before the appointment, as in REMINDER_HOURS
    due: datetime
    until: datetime  # not sent from here on


def plan(start: datetime, agreed_at: datetime, hours: Sequence[int], quiet_hours: QuietHours) -> list[PlannedReminder]:
    """The reminders of an appointment, earliest first.

    Counts elapsed hours, so clock changes do not matter. Leaves out reminders that would have been due before
    `agreed_at`, when the time was agreed on.
    """
    hours_by_due: dict[datetime, int] = {}
    for hours_before in sorted(hours, reverse=True):
        due = _due(start, agreed_at, hours_before, quiet_hours)
        if due is not None:
            hours_by_due.setdefault(due, hours_before)
    dues = sorted(hours_by_due)
    ends = [*dues[1:], start - LATEST]
    return [
        PlannedReminder(hours_by_due[due], due, until) for due, until in zip(dues, ends, strict=False) if due < until
    ]


def _due(start: datetime, agreed_at: datetime, hours: int, quiet_hours: QuietHours) -> datetime | None:
    due = start - timedelta(hours=hours)
    if due <= agreed_at:
        return None
    period = quiet_hours.period_at(due)
    if period is None:
        return due
    evening, morning = period[0] - BEFORE_QUIET_HOURS, period[1]
    morning_is_early_enough = start - morning >= timedelta(hours=hours) / 2
    for moved in (morning, evening) if morning_is_early_enough else (evening, morning):
        if agreed_at < moved < start - LATEST and quiet_hours.period_at(moved) is None:
            return moved
    return None
