"""What auth tells again of people: after a restore, when some of it may have been on its way."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.events import UserDeactivated, UserUpdated, UserVerified
from services.auth.models import users
from shared.messaging.events import Event, emit

FACTS = ("version", "email", "full_name", "phone", "language", "role", "email_verified")


async def retell(session: AsyncSession, since: datetime) -> int:
    """How each person changed since then stands now. Returns how many; consumers pass over what they know."""
    rows = (await session.execute(select(users).where(users.c.updated_at >= since).order_by(users.c.id))).all()
    for row in rows:
        for event in _events(row):
            emit(session, event)
    return len(rows)


def _events(row: Row[Any]) -> Iterator[Event]:
    yield UserUpdated(user_id=row.id, **{name: getattr(row, name) for name in FACTS})
    if row.email_verified:
        yield UserVerified(version=row.version, user_id=row.id)
    if not row.active:
        yield UserDeactivated(version=row.version, user_id=row.id)
