"""What auth publishes again, for `loctician republish` and `loctician restore republish`: the state of users."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.events import UserUpdated
from services.auth.models import users
from services.auth.users.service import ERASED_DOMAIN, state_of
from shared.messaging.events import Event


async def read_users(
    session: AsyncSession, after: str | None, limit: int, since: datetime | None
) -> Sequence[tuple[str, list[Event]]]:
    """The next users by id. Erased users are left out: the services erased them too."""
    statement = select(users).where(~users.c.email.endswith(ERASED_DOMAIN))
    if after is not None:
        statement = statement.where(users.c.id > UUID(after))
    if since is not None:
        statement = statement.where(users.c.updated_at >= since)
    rows = await session.execute(statement.order_by(users.c.id).limit(limit))
    return [(str(row.id), [UserUpdated(**state_of(row))]) for row in rows]


SOURCES = {"users": read_users}
