"""Changes a loctician's weekly hours, and the overrides that replace them on single dates."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.calendar.errors import HoursOverlap, LimitReached
from services.calendar.hours import queries
from services.calendar.hours.expansion import Hours
from services.calendar.local_time import today
from services.calendar.rows import MAX_ROWS, Rows
from services.calendar.windows.queries import lock
from services.calendar.windows.service import HORIZON, publish
from shared.errors import PreconditionRequired, StaleVersion
from shared.http.preconditions import check_match

MAX_OVERLAPS_LISTED = 20


async def change_hours(
    session: AsyncSession, loctician_id: UUID, weekly: Sequence[Hours], if_match: str | None
) -> None:
    """Replaces all working hours if If-Match names their version.

    Raises PreconditionRequired, StaleVersion or HoursOverlap.
    """
    await lock(session, loctician_id)
    check_version(await queries.hours_version(session, loctician_id), if_match)
    await set_hours(session, loctician_id, weekly)


def check_version(version: int, if_match: str | None) -> None:
    """If-Match may be missing, and `*` matches nothing, while no hours were ever set (version 0).

    Raises PreconditionRequired or StaleVersion.
    """
    if if_match is None and version:
        raise PreconditionRequired
    if not version and if_match and if_match.strip() == "*":
        raise StaleVersion
    check_match(if_match, version)


async def set_hours(session: AsyncSession, loctician_id: UUID, weekly: Sequence[Hours]) -> None:
    """Replaces all working hours of a loctician and publishes the windows that change. Raises HoursOverlap."""
    _refuse_overlaps(weekly)
    await lock(session, loctician_id)
    await queries.replace_hours(session, loctician_id, weekly)
    await queries.increment_hours_version(session, loctician_id)
    await publish(session, loctician_id, today())


def _refuse_overlaps(weekly: Sequence[Hours]) -> None:
    pairs = [(i, j) for (i, a), (j, b) in combinations(enumerate(weekly), 2) if a.overlaps(b)]
    if pairs:
        errors = [
            {"pointer": f"/body/hours/{j}", "code": "overlap", "detail": f"overlaps /body/hours/{i}"}
            for i, j in pairs[:MAX_OVERLAPS_LISTED]
        ]
        raise HoursOverlap(extensions={"errors": errors})


async def list_overrides(session: AsyncSession, loctician_id: UUID, start: date | None, end: date | None) -> Rows:
    """From `start` (default: today) to `end` (default: 400 days later), both included."""
    first = start or today()
    return await queries.overrides_between(session, loctician_id, first, end or first + HORIZON)


async def put_override(
    session: AsyncSession, loctician_id: UUID, day: date, windows: list[list[str]], reason: str | None
) -> dict[str, Any]:
    """Sets the hours of one date, also of a holiday; no windows close it. Raises LimitReached."""
    await lock(session, loctician_id)
    upcoming = await queries.overrides_between(session, loctician_id, today(), date.max)
    if len(upcoming) >= MAX_ROWS and day not in {row["day"] for row in upcoming}:
        raise LimitReached(limit=MAX_ROWS)
    await queries.put_override(session, loctician_id, day, windows, reason)
    await publish(session, loctician_id, today())
    return {"day": day, "windows": windows, "reason": reason}


async def remove_override(session: AsyncSession, loctician_id: UUID, day: date) -> None:
    """Does nothing if there is no override."""
    await lock(session, loctician_id)
    await queries.remove_override(session, loctician_id, day)
    await publish(session, loctician_id, today())
