"""The audit log and its checkpoints: append, search by page, read in the order of the chain."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_checkpoints, audit_log

Values = Mapping[str, Any]
LOCK_HEAD = text("SELECT recorded_at, current_month, (last).* FROM gdpr.audit_head()")
CREATE_MONTH = text("SELECT gdpr.make_audit_month(:month)")
DROP_OLD_MONTHS = text("SELECT gdpr.drop_old_audit_months()")
SHOWN = [column for column in audit_log.c if column.name not in {"month", "hash"}]


async def lock_head(session: AsyncSession) -> Row[Any]:
    """The end of the chain. Locks it until the commit, so that nobody else appends."""
    return (await session.execute(LOCK_HEAD)).one()


async def append(session: AsyncSession, row: Values, checkpoint: Values) -> None:
    """Adds the row and moves its month's checkpoint, in one statement."""
    moved = {name: checkpoint[name] for name in ("last_id", "head", "signature")}
    put = upsert(audit_checkpoints).values(**checkpoint).on_conflict_do_update(index_elements=["month"], set_=moved)
    added = insert(audit_log).values(**row).returning(audit_log.c.id).cte("added")
    await session.execute(put.add_cte(added))


async def page(
    session: AsyncSession,
    conditions: Values,
    start: datetime | None,
    end: datetime | None,
    before: int | None,
    limit: int,
) -> Sequence[Values]:
    """Newest first. Ignores conditions that are None; `person` matches the people of a row and its actor."""
    clauses: list[ColumnElement[bool]] = []
    for name, value in conditions.items():
        if value is not None:
            clauses.append(_concerns(value) if name == "person" else audit_log.c[name] == value)
    if start is not None:
        clauses.append(audit_log.c.occurred_at >= start)
    if end is not None:
        clauses.append(audit_log.c.occurred_at < end)
    if before is not None:
        clauses.append(audit_log.c.id < before)
    matching = select(*SHOWN).where(*clauses).order_by(audit_log.c.id.desc()).limit(limit)
    return [dict(row) for row in (await session.execute(matching)).mappings()]


def _concerns(person: str) -> ColumnElement[bool]:
    return or_(audit_log.c.people.contains([person]), audit_log.c.actor_id == person)


async def has_booked_within(session: AsyncSession, user_id: UUID, period: timedelta) -> bool:
    """Whether there was an event about an appointment of this person in the period up to now."""
    booked = select(audit_log.c.id).where(
        audit_log.c.people.contains([str(user_id)]),
        audit_log.c.action.startswith("booking."),
        audit_log.c.occurred_at > func.now() - period,
    )
    return (await session.execute(booked.limit(1))).first() is not None


async def list_checkpoints(session: AsyncSession) -> Sequence[Row[Any]]:
    """By month."""
    return (await session.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.month))).all()


async def update_signature(session: AsyncSession, month: date, signature: bytes) -> None:
    of_month = update(audit_checkpoints).where(audit_checkpoints.c.month == month)
    await session.execute(of_month.values(signature=signature))


async def rows_from(
    session: AsyncSession, month: date | None, first: int, last: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Whole rows in the order of the chain, of one month or of all."""
    rows = select(audit_log).where(audit_log.c.id.between(first, last)).order_by(audit_log.c.id).limit(limit)
    if month is not None:
        rows = rows.where(audit_log.c.month == month)
    return [dict(row) for row in (await session.execute(rows)).mappings()]


async def hashes(session: AsyncSession, ids: Sequence[int]) -> dict[int, bytes]:
    """The hashes of those of the rows that are there."""
    rows = await session.execute(select(audit_log.c.id, audit_log.c.hash).where(audit_log.c.id.in_(ids)))
    return {row.id: bytes(row.hash) for row in rows}


async def last_id_before(session: AsyncSession, row_id: int) -> int:
    """The id of the last row before `row_id`; 0 if there is none."""
    last = select(func.coalesce(func.max(audit_log.c.id), 0)).where(audit_log.c.id < row_id)
    last_id: int = (await session.execute(last)).scalar_one()
    return last_id


async def first_uncovered_row(session: AsyncSession) -> int | None:
    """The id of the first row that no checkpoint covers. One statement, so that a row that is being appended is seen
    together with its checkpoint."""
    covered = select(audit_checkpoints.c.month).where(
        audit_checkpoints.c.month == audit_log.c.month,
        audit_log.c.id.between(audit_checkpoints.c.first_id, audit_checkpoints.c.last_id),
    )
    first: int | None = await session.scalar(select(func.min(audit_log.c.id)).where(~covered.exists()))
    return first


async def create_month(session: AsyncSession, month: date) -> None:
    """Creates the month's partition if it is missing."""
    await session.execute(CREATE_MONTH, {"month": month})


async def drop_old_months(session: AsyncSession) -> int:
    """Drops partitions older than 61 months. Returns their number."""
    return int((await session.execute(DROP_OLD_MONTHS)).scalar_one())
