"""When reminders of an appointment are due: hours before it, outside quiet hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from domain.clock import COPENHAGEN, copenhagen

USEFUL = timedelta(minutes=30)  # before the appointment; later a reminder helps nobody
EVENING = timedelta(minutes=15)  # before quiet hours, so that they have not begun when it is sent


@dataclass(frozen=True)
class QuietHours:
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
class PlannedReminder:
    hours: int
    due: datetime
    until: datetime  # from here on it is of no use


def plan(start: datetime, known_at: datetime, hours: Sequence[int], quiet: QuietHours) -> list[PlannedReminder]:
    """Earliest first. Counted in hours that pass, so right across clock changes. None that would have been due
    before the time was agreed on."""
    found: dict[datetime, int] = {}
    for before in sorted(hours, reverse=True):
        due = _due(start, known_at, before, quiet)
        if due is not None:
            found.setdefault(due, before)
    dues = sorted(found)
    ends = [*dues[1:], start - USEFUL]
    return [PlannedReminder(found[due], due, until) for due, until in zip(dues, ends, strict=False) if due < until]


def _due(start: datetime, known_at: datetime, hours: int, quiet: QuietHours) -> datetime | None:
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
