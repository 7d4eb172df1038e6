"""Publishes the current state of users again, for `loctician restore republish`."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.events import UserUpdated
from services.auth.models import users
from services.auth.users.service import is_erased, state_of
from shared.messaging.events import emit


async def republish(session: AsyncSession, since: datetime) -> int:
    """Emits an event with the whole current state of each user that changed since then. Returns the number of users.

    Consumers ignore a version that they know. Erased users are left out: the services erased them too.
    """
    rows = (await session.execute(select(users).where(users.c.updated_at >= since).order_by(users.c.id))).all()
    current = [row for row in rows if not is_erased(row)]
    for row in current:
        emit(session, UserUpdated(**state_of(row)))
    return len(current)
