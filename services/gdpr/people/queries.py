"""What gdpr knows of people to tell whether they may be forgotten: their role, and appointments they are to hold."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.models import duties, people, requests

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('gdpr.people', 0))")


async def learn(session: AsyncSession, user_id: UUID, version: int, *, of: str, value: Any) -> None:
    """Keeps `role` or `active` as of this version, unless a newer one is known."""
    newer = {of: value, f"{of}_version": version}
    known = people.c[f"{of}_version"]
    statement = insert(people).values(user_id=user_id, **newer)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id"], set_=newer, where=(known < version) & people.c.erased_at.is_(None)
        )
    )


async def forget(session: AsyncSession, user_id: UUID) -> int:
    gone = {"role": None, "active": False, "erased_at": func.now()}
    known = update(people).where(people.c.user_id == user_id).values(**gone)
    return (await session.execute(known)).rowcount  # type: ignore[attr-defined,no-any-return]


async def one_at_a_time(session: AsyncSession) -> None:
    await session.execute(ONE_AT_A_TIME)


async def person(session: AsyncSession, user_id: UUID) -> Row[Any] | None:
    return (await session.execute(select(people).where(people.c.user_id == user_id))).one_or_none()


async def other_admins(session: AsyncSession, user_id: UUID) -> int:
    """Active admins beside this one, those who are just being forgotten left out."""
    leaving = select(requests.c.subject_id).where(requests.c.kind == "erasure", requests.c.status == "running")
    staying = select(func.count()).where(
        people.c.role == "admin", people.c.active, people.c.user_id != user_id, people.c.user_id.not_in(leaving)
    )
    return int((await session.execute(staying)).scalar_one())


async def duty(
    session: AsyncSession,
    booking_id: UUID,
    version: int,
    loctician_ids: Sequence[UUID],
    ends_at: datetime,
    *,
    open_: bool,
) -> None:
    newer = {"version": version, "loctician_ids": list(loctician_ids), "ends_at": ends_at, "open": open_}
    statement = insert(duties).values(booking_id=booking_id, **newer)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["booking_id"], set_=newer, where=duties.c.version < version)
    )


async def upcoming(session: AsyncSession, user_id: UUID) -> tuple[int, datetime | None]:
    """How many open appointments somebody is yet to hold, and when the last of them ends."""
    theirs = select(func.count(), func.max(duties.c.ends_at)).where(
        duties.c.open, duties.c.ends_at > func.now(), duties.c.loctician_ids.contains([user_id])
    )
    count, until = (await session.execute(theirs)).one()
    return count, until


async def forget_duties(session: AsyncSession, user_id: UUID) -> int:
    theirs = delete(duties).where(duties.c.loctician_ids.contains([user_id]))
    return (await session.execute(theirs)).rowcount  # type: ignore[attr-defined,no-any-return]
