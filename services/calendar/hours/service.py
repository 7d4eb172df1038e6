"""Weekly hours, and other hours on one date."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar import preconditions
from services.calendar.errors import HoursOverlap, LimitReached
from services.calendar.hours import queries
from services.calendar.hours.expansion import Hours
from services.calendar.local_time import today
from services.calendar.rows import MOST, Rows
from services.calendar.windows.queries import lock
from services.calendar.windows.service import HORIZON, publish

MOST_NAMED = 20


async def change_hours(
    session: AsyncSession, loctician_id: UUID, weekly: Sequence[Hours], if_match: str | None
) -> None:
    """As set_hours, once the caller has shown to know the hours there are. Raises VersionRequired or StaleVersion."""
    await lock(session, loctician_id)
    preconditions.check(await queries.hours_version(session, loctician_id), if_match)
    await set_hours(session, loctician_id, weekly)


async def set_hours(session: AsyncSession, loctician_id: UUID, weekly: Sequence[Hours]) -> None:
    """Replace all working hours of a loctician and publish what that changes. Raises HoursOverlap."""
    _refuse_overlaps(weekly)
    await lock(session, loctician_id)
    await queries.replace_hours(session, loctician_id, weekly)
    await queries.count_hours_version(session, loctician_id)
    await publish(session, loctician_id, today())


def _refuse_overlaps(weekly: Sequence[Hours]) -> None:
    pairs = [(i, j) for (i, a), (j, b) in combinations(enumerate(weekly), 2) if a.overlaps(b)]
    if pairs:
        errors = [
            {"pointer": f"/body/hours/{j}", "code": "overlap", "detail": f"overlaps /body/hours/{i}"}
            for i, j in pairs[:MOST_NAMED]
        ]
        raise HoursOverlap(extensions={"errors": errors})


async def list_overrides(session: AsyncSession, loctician_id: UUID, start: date | None, end: date | None) -> Rows:
    """From start, which is today, to end, which is 400 days later, when they are not given."""
    first = start or today()
    return await queries.overrides_between(session, loctician_id, first, end or first + HORIZON)


async def put_override(
    session: AsyncSession, loctician_id: UUID, day: date, windows: list[list[str]], reason: str | None
) -> dict[str, Any]:
    """Other hours on one date, whether it is a holiday or not; none closes it. Raises LimitReached."""
    await lock(session, loctician_id)
    known = await queries.overrides_between(session, loctician_id, today(), date.max)
    if len(known) >= MOST and day not in {row["day"] for row in known}:
        raise LimitReached(limit=MOST)
    await queries.put_override(session, loctician_id, day, windows, reason)
    await publish(session, loctician_id, today())
    return {"day": day, "windows": windows, "reason": reason}


async def remove_override(session: AsyncSession, loctician_id: UUID, day: date) -> None:
    """Nothing happens when there is none."""
    await lock(session, loctician_id)
    await queries.remove_override(session, loctician_id, day)
    await publish(session, loctician_id, today())
