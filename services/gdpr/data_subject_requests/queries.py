"""Data subject requests, and the answers of the services to each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, insert, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import request_parts, requests

SCHEDULED = "scheduled"
DEADLINE = text("interval '1 month'")  # GDPR Art. 12(3)


async def latest(session: AsyncSession, kind: str, subject_id: UUID) -> Row[Any] | None:
    """The person's newest request of this kind, export or erasure."""
    own = select(requests).where(requests.c.kind == kind, requests.c.subject_id == subject_id)
    return (await session.execute(own.order_by(requests.c.requested_at.desc()).limit(1))).one_or_none()


async def add(session: AsyncSession, values: Mapping[str, Any], services: Sequence[str]) -> bool:
    """Adds a request that these services have to answer. Returns False if one of its kind is running already."""
    row = upsert(requests).values(**values, deadline=func.now() + DEADLINE)
    added = row.on_conflict_do_nothing(
        index_elements=["subject_id", "kind"], index_where=requests.c.status == literal("running", literal_execute=True)
    )
    if not (await session.execute(added)).rowcount:  # type: ignore[attr-defined]
        return False
    await session.execute(insert(request_parts), [{"request_id": values["id"], "service": name} for name in services])
    return True


async def add_scheduled(session: AsyncSession, values: Mapping[str, Any]) -> Row[Any] | None:
    """Adds an erasure that begins at `runs_at`. None if an erasure of the person is scheduled or running already."""
    row = upsert(requests).values(**values, deadline=func.now() + DEADLINE)
    added = row.on_conflict_do_nothing(
        index_elements=["subject_id", "kind"], index_where=requests.c.status == literal("running", literal_execute=True)
    )
    return (await session.execute(added.returning(*requests.c))).one_or_none()


async def lock_running_erasure(session: AsyncSession, subject_id: UUID) -> Row[Any] | None:
    """The person's erasure that is scheduled or running."""
    own = select(requests).where(
        requests.c.kind == "erasure", requests.c.subject_id == subject_id, requests.c.status == "running"
    )
    return (await session.execute(own.with_for_update())).one_or_none()


async def lock_due_erasures(session: AsyncSession, limit: int) -> Sequence[Row[Any]]:
    """Scheduled erasures that are to begin, which nobody else has locked. The first due comes first."""
    due = select(requests).where(requests.c.status == "running", requests.c.runs_at <= func.now())
    ordered = due.order_by(requests.c.runs_at).limit(limit).with_for_update(skip_locked=True)
    return (await session.execute(ordered)).all()


async def begin(session: AsyncSession, request_id: UUID, services: Sequence[str]) -> int:
    """Begins a scheduled erasure, which these services have to answer. Returns its new version."""
    begun = update(requests).where(requests.c.id == request_id).values(runs_at=None, version=requests.c.version + 1)
    version = (await session.execute(begun.returning(requests.c.version))).scalar_one()
    await session.execute(insert(request_parts), [{"request_id": request_id, "service": name} for name in services])
    return int(version)


async def postpone(session: AsyncSession, request_id: UUID, by: timedelta) -> None:
    await session.execute(update(requests).where(requests.c.id == request_id).values(runs_at=func.now() + by))


async def cancel(session: AsyncSession, request_id: UUID) -> None:
    values = {"status": "cancelled", "finished_at": func.now(), "version": requests.c.version + 1}
    await session.execute(update(requests).where(requests.c.id == request_id).values(**values))


async def find(session: AsyncSession, request_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    request = select(requests).where(requests.c.id == request_id)
    return (await session.execute(request.with_for_update() if lock else request)).one_or_none()


async def page(
    session: AsyncSession,
    conditions: Mapping[str, Any],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first. Ignores conditions that are None. `scheduled` is a running one with `runs_at`."""
    values = {name: value for name, value in conditions.items() if value is not None}
    statuses = values.pop("status", None)
    matching = select(requests).where(*(requests.c[name] == value for name, value in values.items()))
    if statuses is not None:
        is_scheduled = and_(requests.c.status == "running", requests.c.runs_at.is_not(None))
        matching = matching.where(case((is_scheduled, SCHEDULED), else_=requests.c.status).in_(statuses))
    if before:
        matching = matching.where(tuple_(requests.c.requested_at, requests.c.id) < tuple_(*before))
    ordered = matching.order_by(requests.c.requested_at.desc(), requests.c.id.desc())
    return (await session.execute(ordered.limit(limit))).all()


async def requests_of(session: AsyncSession, subject_id: UUID, limit: int) -> Sequence[Row[Any]]:
    """Oldest first."""
    own = select(requests).where(requests.c.subject_id == subject_id).order_by(requests.c.requested_at).limit(limit)
    return (await session.execute(own)).all()


async def parts_of(session: AsyncSession, request_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The services' answers, without the sealed data in them."""
    columns = [column for column in request_parts.c if column.name != "sealed"]
    parts = select(*columns).where(request_parts.c.request_id.in_(request_ids)).order_by(request_parts.c.service)
    return (await session.execute(parts)).all()


async def store_answer(session: AsyncSession, request_id: UUID, service: str, **values: Any) -> bool:
    """Returns False if the service has answered already or was not asked."""
    part = update(request_parts).where(
        request_parts.c.request_id == request_id,
        request_parts.c.service == service,
        request_parts.c.answered_at.is_(None),
    )
    return bool((await session.execute(part.values(answered_at=func.now(), **values))).rowcount)  # type: ignore[attr-defined]


async def waiting_for(session: AsyncSession, request_id: UUID) -> set[str]:
    """The services that have not answered."""
    services = select(request_parts.c.service).where(
        request_parts.c.request_id == request_id, request_parts.c.answered_at.is_(None)
    )
    return set((await session.execute(services)).scalars())


async def set_step(session: AsyncSession, request_id: UUID, step: int) -> int:
    """Returns the request's new version."""
    moved = update(requests).where(requests.c.id == request_id).values(step=step, version=requests.c.version + 1)
    return int((await session.execute(moved.returning(requests.c.version))).scalar_one())


async def finish(session: AsyncSession, request_id: UUID, expires_in: timedelta | None = None) -> Row[Any]:
    """Returns the finished request."""
    values: dict[str, Any] = {"status": "done", "finished_at": func.now(), "version": requests.c.version + 1}
    if expires_in:
        values["expires_at"] = func.now() + expires_in
    done = update(requests).where(requests.c.id == request_id).values(**values)
    return (await session.execute(done.returning(*requests.c))).one()
