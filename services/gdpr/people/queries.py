"""People's roles, and the bookings that locticians are to hold (duties), from events. They decide who may be erased."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import duties, people, requests

# Every event carries the whole state, so both columns have the version of the last one.
VERSIONS = ("role_version", "active_version")
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('gdpr.people', 0))")


async def lock(session: AsyncSession) -> None:
    """One erasure begins at a time, so that two admins cannot erase each other."""
    await session.execute(LOCK)


async def store_state(session: AsyncSession, user_id: UUID, version: int, *, role: str, active: bool) -> None:
    """Stores role and activity of this version, unless a newer one is stored or the person is erased."""
    row = {"role": role, "active": active, **dict.fromkeys(VERSIONS, version)}
    known = func.greatest(*(people.c[name] for name in VERSIONS))
    newest = insert(people).values(user_id=user_id, **row)
    await session.execute(
        newest.on_conflict_do_update(
            index_elements=["user_id"], set_=row, where=(known < version) & people.c.erased_at.is_(None)
        )
    )


async def find_person(session: AsyncSession, user_id: UUID) -> Row[Any] | None:
    return (await session.execute(select(people).where(people.c.user_id == user_id))).one_or_none()


async def erase_person(session: AsyncSession, user_id: UUID) -> int:
    """Keeps the id and when it was erased, so that a late event does not store the person again."""
    values = {"role": None, "active": False, "erased_at": func.now()}
    erased = insert(people).values(user_id=user_id, **values)
    erased = erased.on_conflict_do_update(index_elements=["user_id"], set_=values)
    return (await session.execute(erased)).rowcount  # type: ignore[attr-defined,no-any-return]


async def count_other_admins(session: AsyncSession, user_id: UUID) -> int:
    """Active admins besides this one, without those whose erasure is running."""
    being_erased = select(requests.c.subject_id).where(requests.c.kind == "erasure", requests.c.status == "running")
    others = select(func.count()).where(
        people.c.role == "admin", people.c.active, people.c.user_id != user_id, people.c.user_id.not_in(being_erased)
    )
    return int((await session.execute(others)).scalar_one())


async def put_duty(
    session: AsyncSession,
    booking_id: UUID,
    version: int,
    loctician_ids: Sequence[UUID],
    ends_at: datetime,
    *,
    is_open: bool,
) -> None:
    """Stores who is to hold a booking, unless a newer version is stored."""
    values = {"version": version, "loctician_ids": list(loctician_ids), "ends_at": ends_at, "open": is_open}
    added = insert(duties).values(booking_id=booking_id, **values)
    await session.execute(
        added.on_conflict_do_update(index_elements=["booking_id"], set_=values, where=duties.c.version < version)
    )


async def upcoming_duties(session: AsyncSession, user_id: UUID) -> tuple[int, datetime | None]:
    """The number of open bookings that a loctician is still to hold, and the end of the last."""
    own = select(func.count(), func.max(duties.c.ends_at)).where(
        duties.c.open, duties.c.ends_at > func.now(), duties.c.loctician_ids.contains([user_id])
    )
    count, until = (await session.execute(own)).one()
    return count, until


async def delete_duties(session: AsyncSession, user_id: UUID) -> int:
    """Returns the number of rows deleted."""
    own = delete(duties).where(duties.c.loctician_ids.contains([user_id]))
    return (await session.execute(own)).rowcount  # type: ignore[attr-defined,no-any-return]
