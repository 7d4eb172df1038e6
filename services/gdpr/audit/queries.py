"""The audit log: adding to its chain, reading it by page and from end to end."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import audit_checkpoints, audit_log

Facts = Mapping[str, Any]
HEAD = text("SELECT recorded_at, current_month, (last).* FROM gdpr.audit_head()")
MAKE_MONTH = text("SELECT gdpr.make_audit_month(:month)")
DROP_OLD = text("SELECT gdpr.drop_old_audit_months()")
SHOWN = [column for column in audit_log.c if column.name not in {"month", "hash"}]


async def head(session: AsyncSession) -> Row[Any]:
    """Where the chain ends. Until the commit nobody else adds to it."""
    return (await session.execute(HEAD)).one()


async def add(session: AsyncSession, row: Facts, anchor: Facts) -> None:
    changing = {name: anchor[name] for name in ("last_id", "head", "signature")}
    kept = upsert(audit_checkpoints).values(**anchor).on_conflict_do_update(index_elements=["month"], set_=changing)
    added = insert(audit_log).values(**row).returning(audit_log.c.id).cte("added")
    await session.execute(kept.add_cte(added))


async def page(
    session: AsyncSession,
    conditions: Facts,
    start: datetime | None,
    end: datetime | None,
    before: int | None,
    limit: int,
) -> Sequence[Facts]:
    """Newest first; a condition that is None does not count. `person` finds whoever is named anywhere in the row."""
    wanted: list[ColumnElement[bool]] = []
    for name, value in conditions.items():
        if value is not None:
            wanted.append(_concerns(value) if name == "person" else audit_log.c[name] == value)
    if start is not None:
        wanted.append(audit_log.c.occurred_at >= start)
    if end is not None:
        wanted.append(audit_log.c.occurred_at < end)
    if before is not None:
        wanted.append(audit_log.c.id < before)
    found = select(*SHOWN).where(*wanted).order_by(audit_log.c.id.desc()).limit(limit)
    return [dict(row) for row in (await session.execute(found)).mappings()]


def _concerns(person: str) -> ColumnElement[bool]:
    return or_(audit_log.c.people.contains([person]), audit_log.c.actor_id == person)


async def booked_within(session: AsyncSession, user_id: UUID, span: timedelta) -> bool:
    """Whether there was lately anything about an appointment of theirs."""
    found = select(audit_log.c.id).where(
        audit_log.c.people.contains([str(user_id)]),
        audit_log.c.action.startswith("booking."),
        audit_log.c.occurred_at > func.now() - span,
    )
    return (await session.execute(found.limit(1))).first() is not None


async def anchors(session: AsyncSession) -> Sequence[Row[Any]]:
    return (await session.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.month))).all()


async def resign(session: AsyncSession, month: date, signature: bytes) -> None:
    await session.execute(
        update(audit_checkpoints).where(audit_checkpoints.c.month == month).values(signature=signature)
    )


async def rows_from(
    session: AsyncSession, month: date | None, first: int, last: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Whole rows in the order of the chain; of one month, or of any."""
    found = select(audit_log).where(audit_log.c.id.between(first, last)).order_by(audit_log.c.id).limit(limit)
    if month is not None:
        found = found.where(audit_log.c.month == month)
    return [dict(row) for row in (await session.execute(found)).mappings()]


async def unanchored(session: AsyncSession) -> int | None:
    """The first row that no anchor covers. One statement, so that a row just being added is seen with its anchor."""
    covered = select(audit_checkpoints.c.month).where(
        audit_checkpoints.c.month == audit_log.c.month,
        audit_log.c.id.between(audit_checkpoints.c.first_id, audit_checkpoints.c.last_id),
    )
    first: int | None = await session.scalar(select(func.min(audit_log.c.id)).where(~covered.exists()))
    return first


async def make_month(session: AsyncSession, month: date) -> None:
    await session.execute(MAKE_MONTH, {"month": month})


async def drop_old_months(session: AsyncSession) -> int:
    return int((await session.execute(DROP_OLD)).scalar_one())
