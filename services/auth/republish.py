"""Publishes the current state of users again, for `loctician restore republish`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.events import UserDeactivated, UserUpdated, UserVerified
from services.auth.models import users
from shared.messaging.events import Event, emit

EVENT_FIELDS = ("version", "email", "full_name", "phone", "language", "role", "email_verified")


async def republish(session: AsyncSession, since: datetime) -> int:
    """Emits events with the current state of each user that changed since then. Returns the number of users.

    Consumers ignore a version that they know.
    """
    rows = (await session.execute(select(users).where(users.c.updated_at >= since).order_by(users.c.id))).all()
    for row in rows:
        for event in _events(row):
            emit(session, event)
    return len(rows)


def _events(row: Row[Any]) -> Iterator[Event]:
    yield UserUpdated(user_id=row.id, **{name: getattr(row, name) for name in EVENT_FIELDS})
    if row.email_verified:
        yield UserVerified(version=row.version, user_id=row.id)
    if not row.active:
        yield UserDeactivated(version=row.version, user_id=row.id)
