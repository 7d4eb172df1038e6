"""Events about an import that its loctician should know of. Each problem and each outage is told once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import seal_message
from services.calendar import events
from services.calendar.errors import CalendarTooLarge, NotACalendar
from services.calendar.imports import queries
from services.calendar.imports.serializers import host_of
from services.calendar.rows import Row
from shared.identity.derived_keys import keys_of
from shared.messaging.events import emit

OUTAGE = timedelta(days=1)
NO_CALENDAR = {NotACalendar.code, CalendarTooLarge.code}


async def emit_notices(session: AsyncSession, before: Row | None, row: Row) -> None:
    """`before`: the row before the last reading; None for a new import."""
    new = sorted(set(row["unclear"]) - set(row["notified"]))
    if new:
        await _emit_incomplete(session, row, new)
    if row["first_failed_at"] is None:
        if before and before["failure_notified_at"]:
            version = await queries.next_version(session, row["id"])
            emit(session, events.ImportRecovered(**_facts(session, row, version)))
    elif row["failure_notified_at"] is None and _is_outage(row):
        version = await queries.next_version(session, row["id"], failure_notified_at=func.now())
        facts = {
            "first_failed_at": row["first_failed_at"],
            "problem": row["problem"],
            "http_status": row["http_status"],
        }
        emit(session, events.ImportFailing(**_facts(session, row, version), **facts))


def _is_outage(row: Row) -> bool:
    """At once if a new address gives something that will hardly become a calendar by itself."""
    never_read = row["valid_to"] is None and row["problem"] in NO_CALENDAR
    return never_read or datetime.now(UTC) >= row["first_failed_at"] + OUTAGE


async def _emit_incomplete(session: AsyncSession, row: Row, new: list[str]) -> None:
    version = await queries.next_version(session, row["id"], notified=[*row["notified"], *new])
    parts = [events.UnclearPart(code=code, count=row["unclear"][code]) for code in new]
    emit(session, events.ImportIncomplete(**_facts(session, row, version), problems=parts))


def _facts(session: AsyncSession, row: Row, version: int) -> dict[str, object]:
    return {
        "version": version,
        "import_id": row["id"],
        "loctician_id": row["loctician_id"],
        "name": seal_message(keys_of(session), row["id"], row["name"]) if row["name"] else None,
        "host": host_of(row),
    }
