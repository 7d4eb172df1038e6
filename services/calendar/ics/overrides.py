"""Which of several statements about an event counts: revisions, and overrides of single recurrences."""

from datetime import date, datetime, timedelta

from services.calendar.ics.events import Event
from services.calendar.ics.spans import Spans
from services.calendar.ics.values import Moment


def newest(events: list[Event]) -> list[Event]:
    """Without those that a later revision replaces (RFC 5546, 2.1.5). Equal revisions with different starts are
    different events, although they must not have the same UID."""
    revision = max((event.sequence for event in events), default=0)
    latest: dict[Moment, list[Event]] = {}
    for event in events:
        if event.sequence == revision:
            known = latest.setdefault(event.start, [])
            if known and known[0].stamp < event.stamp:
                known.clear()
            if not known or known[0].stamp == event.stamp:
                known.append(event)
    return [event for same in latest.values() for event in same]


class Overrides:
    """Those of one series, by the recurrence that each replaces."""

    def __init__(self, events: list[Event], spans: Spans) -> None:
        self._walls: set[datetime | date] = set()
        self._future: list[tuple[datetime, Event]] = []
        self.farthest = timedelta()  # by which recurrences are moved
        self.unknown = 0  # overrides in a time zone that is not known: they replace nothing
        for event in events:
            if event.recurs_at is None:
                continue
            if not spans.knows(event.recurs_at):
                self.unknown += 1
                continue
            wall = spans.wall_of(event.recurs_at)
            self._walls.add(wall.date() if event.recurs_at.whole_day else wall)
            if event.and_future:
                self._future.append((wall, event))
                self.farthest = max(self.farthest, abs(spans.wall_of(event.start) - wall))
        self._future.sort(key=lambda item: item[0], reverse=True)

    def replace(self, wall: datetime) -> bool:
        return wall in self._walls or wall.date() in self._walls

    def moving(self, wall: datetime) -> tuple[datetime, Event] | None:
        """The override of this and all later recurrences that holds at `wall`, and the recurrence it begins with."""
        return next((item for item in self._future if item[0] <= wall), None)
