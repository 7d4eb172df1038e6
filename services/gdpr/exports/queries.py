"""Sealed data of exports: read, expire and delete."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import request_parts, requests


async def sealed_parts(session: AsyncSession, request_id: UUID) -> Mapping[str, bytes]:
    """Service -> its encrypted part."""
    parts = select(request_parts.c.service, request_parts.c.sealed).where(
        request_parts.c.request_id == request_id, request_parts.c.sealed.is_not(None)
    )
    return {row.service: row.sealed for row in (await session.execute(parts.order_by(request_parts.c.service))).all()}


async def expire(session: AsyncSession, limit: int) -> int:
    """Deletes the data of exports that have expired. Returns the number of exports."""
    due = select(requests.c.id).where(requests.c.status == "done", requests.c.expires_at < func.now()).limit(limit)
    expired = update(requests).where(requests.c.id.in_(due)).values(status="expired", version=requests.c.version + 1)
    ids = (await session.execute(expired.returning(requests.c.id))).scalars().all()
    await session.execute(update(request_parts).where(request_parts.c.request_id.in_(ids)).values(sealed=None))
    return len(ids)


async def delete_exports(session: AsyncSession, subject_id: UUID) -> int:
    """Deletes a person's exported data and cancels exports that are running. Returns the number of parts deleted."""
    own = select(requests.c.id).where(requests.c.kind == "export", requests.c.subject_id == subject_id)
    emptied = update(request_parts).where(request_parts.c.request_id.in_(own), request_parts.c.sealed.is_not(None))
    count = (await session.execute(emptied.values(sealed=None))).rowcount  # type: ignore[attr-defined]
    cancelled = update(requests).where(requests.c.id.in_(own), requests.c.status.in_(("running", "done")))
    await session.execute(cancelled.values(status="cancelled", version=requests.c.version + 1))
    return int(count)
