"""SQL of passkeys. The tables are closed to the service's role: only the functions reach them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.sql_calls import function_call

ADD = function_call(
    "add_passkey", "user", "id", "credential", "key", "count", "name", "mac", "challenge", "challenge_expires"
)
LIST = function_call("list_passkeys", "user")
FIND = function_call("find_passkey", "credential")
RENAME = function_call("rename_passkey", "user", "id", "name")
REMOVE = function_call("remove_passkey", "user", "id")
OPEN = function_call(
    "open_passkey_session", "session", "user", "id", "count", "challenge", "challenge_expires", "token", "expires",
    "address", "agent", "host",
)  # fmt: skip


async def add(session: AsyncSession, /, **values: Any) -> str:
    """Returns added, used (the challenge), taken (the credential) or too_many."""
    return str((await session.execute(ADD, values)).scalar_one())


async def of_user(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    """At most 20, the oldest first."""
    return (await session.execute(LIST, {"user": user_id})).all()


async def find(session: AsyncSession, credential_id: bytes) -> Row[Any] | None:
    """A passkey of an active user. The database alone may have made it: check its MAC."""
    return (await session.execute(FIND, {"credential": credential_id})).one_or_none()


async def rename(session: AsyncSession, user_id: UUID, passkey_id: UUID, name: str) -> bool:
    return bool((await session.execute(RENAME, {"user": user_id, "id": passkey_id, "name": name})).scalar_one())


async def remove(session: AsyncSession, user_id: UUID, passkey_id: UUID) -> bool:
    return bool((await session.execute(REMOVE, {"user": user_id, "id": passkey_id})).scalar_one())


async def open_session(session: AsyncSession, /, **values: Any) -> Row[Any]:
    """`outcome`: opened, or refused when the challenge or the count was used, or the user is not active any more."""
    return (await session.execute(OPEN, values)).one()
