"""People's requests and what the services have answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import request_parts, requests

MONTH = text("interval '1 month'")


async def latest(session: AsyncSession, kind: str, subject_id: UUID) -> Row[Any] | None:
    wanted = select(requests).where(requests.c.kind == kind, requests.c.subject_id == subject_id)
    return (await session.execute(wanted.order_by(requests.c.requested_at.desc()).limit(1))).one_or_none()


async def open_one(session: AsyncSession, values: Mapping[str, Any], services: Sequence[str]) -> bool:
    """False when one of this kind is running for the person already."""
    statement = upsert(requests).values(**values, deadline=func.now() + MONTH)
    opened = statement.on_conflict_do_nothing(
        index_elements=["subject_id", "kind"], index_where=requests.c.status == literal("running", literal_execute=True)
    )
    if not (await session.execute(opened)).rowcount:  # type: ignore[attr-defined]
        return False
    await session.execute(insert(request_parts), [{"request_id": values["id"], "service": name} for name in services])
    return True


async def one(session: AsyncSession, request_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    wanted = select(requests).where(requests.c.id == request_id)
    return (await session.execute(wanted.with_for_update() if lock else wanted)).one_or_none()


async def page(
    session: AsyncSession,
    conditions: Mapping[str, Any],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    wanted = select(requests).where(
        *(requests.c[name] == value for name, value in conditions.items() if value is not None)
    )
    if before:
        wanted = wanted.where(tuple_(requests.c.requested_at, requests.c.id) < tuple_(*before))
    return (
        await session.execute(wanted.order_by(requests.c.requested_at.desc(), requests.c.id.desc()).limit(limit))
    ).all()


async def parts(session: AsyncSession, request_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Without what is sealed in them."""
    columns = [column for column in request_parts.c if column.name != "sealed"]
    wanted = select(*columns).where(request_parts.c.request_id.in_(request_ids)).order_by(request_parts.c.service)
    return (await session.execute(wanted)).all()


async def answer(session: AsyncSession, request_id: UUID, service: str, **values: Any) -> bool:
    """False when this service had answered before, or was not asked."""
    waiting = update(request_parts).where(
        request_parts.c.request_id == request_id,
        request_parts.c.service == service,
        request_parts.c.answered_at.is_(None),
    )
    return bool((await session.execute(waiting.values(answered_at=func.now(), **values))).rowcount)  # type: ignore[attr-defined]


async def waiting_for(session: AsyncSession, request_id: UUID) -> set[str]:
    wanted = select(request_parts.c.service).where(
        request_parts.c.request_id == request_id, request_parts.c.answered_at.is_(None)
    )
    return set((await session.execute(wanted)).scalars())


async def step(session: AsyncSession, request_id: UUID, number: int) -> int:
    """The request's new version."""
    moved = update(requests).where(requests.c.id == request_id).values(step=number, version=requests.c.version + 1)
    return int((await session.execute(moved.returning(requests.c.version))).scalar_one())


async def finish(session: AsyncSession, request_id: UUID, expires_in: timedelta | None = None) -> Row[Any]:
    values: dict[str, Any] = {"status": "done", "finished_at": func.now(), "version": requests.c.version + 1}
    if expires_in:
        values["expires_at"] = func.now() + expires_in
    done = update(requests).where(requests.c.id == request_id).values(**values)
    return (await session.execute(done.returning(*requests.c))).one()


async def of_person(session: AsyncSession, subject_id: UUID, limit: int) -> Sequence[Row[Any]]:
    wanted = select(requests).where(requests.c.subject_id == subject_id).order_by(requests.c.requested_at).limit(limit)
    return (await session.execute(wanted)).all()
