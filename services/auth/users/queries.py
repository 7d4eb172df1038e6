"""SQL of users."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import idempotency_keys, users
from services.auth.sql_calls import function_call

REGISTER = function_call(
    "register",
    "id",
    "email",
    "name",
    "phone",
    "language",
    "role",
    "verified",
    "hash",
    "browser",
    phone="text",
    hash="text",
    browser="bytea",
)
EXPORT_SECRETS = function_call("export_secrets", "user")
SEARCH = text(
    "SELECT user_id FROM auth.search_users(CAST(:terms AS text[]), CAST(:at AS timestamptz), CAST(:id AS uuid), :limit)"
)
DELETE_SECRETS = function_call("erase_secrets", "user")


async def insert_user(session: AsyncSession, values: dict[str, Any]) -> bool:
    """False when the address is known already."""
    return bool((await session.execute(REGISTER, values)).scalar_one())


async def set_mac(session: AsyncSession, user_id: UUID, mac: bytes) -> None:
    """Leaves the version as it is: nothing that others see has changed."""
    await session.execute(update(users).where(users.c.id == user_id).values(mac=mac))


async def users_after(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """By id, from the one after `after` on."""
    statement = select(users).where(users.c.id > after) if after else select(users)
    return (await session.execute(statement.order_by(users.c.id).limit(limit))).all()


async def get_user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    statement = select(users).where(users.c.id == user_id)
    return (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()


async def is_email_taken(session: AsyncSession, email: str, by_other_than: UUID) -> bool:
    statement = select(users.c.id).where(users.c.email == email, users.c.id != by_other_than)
    return (await session.execute(statement)).one_or_none() is not None


async def update_user(session: AsyncSession, user_id: UUID, **values: Any) -> Row[Any]:
    statement = update(users).where(users.c.id == user_id)
    values |= {"version": users.c.version + 1, "updated_at": func.now()}
    return (await session.execute(statement.values(values).returning(*users.c))).one()


async def list_users(
    session: AsyncSession, terms: Sequence[str], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """The oldest first. `terms`: parts of the name, the address or the number. `after`: created_at and id of the last
    user read."""
    statement = select(users)
    if terms:
        values = {"terms": terms, "at": after and after[0], "id": after and after[1], "limit": limit}
        user_ids = (await session.execute(SEARCH, values)).scalars().all()
        statement = statement.where(users.c.id.in_(user_ids))
    elif after:
        statement = statement.where(tuple_(users.c.created_at, users.c.id) > tuple_(*after))
    return (await session.execute(statement.order_by(users.c.created_at, users.c.id).limit(limit))).all()


async def lock_active_admins(session: AsyncSession) -> int:
    """Locks the active admins, so that two admins cannot demote each other at the same time. Returns their number."""
    admins = select(users.c.id).where(users.c.role == "admin", users.c.active).order_by(users.c.id).with_for_update()
    return len((await session.execute(admins)).all())


async def has_users(session: AsyncSession) -> bool:
    return (await session.execute(select(users.c.id).limit(1))).one_or_none() is not None


async def has_active_user(session: AsyncSession, user_ids: Iterable[UUID]) -> bool:
    statement = select(users.c.id).where(users.c.id.in_(list(user_ids)), users.c.active).limit(1)
    return (await session.execute(statement)).one_or_none() is not None


async def export_secrets(session: AsyncSession, user_id: UUID) -> dict[str, Any]:
    """Sessions with times and clients, and when password and second factor were set. No secret itself."""
    export: dict[str, Any] = (await session.execute(EXPORT_SECRETS, {"user": user_id})).scalar_one()
    return export


async def delete_secrets(session: AsyncSession, user_id: UUID) -> None:
    """Deletes password, second factor, tokens and known addresses, and the clients of the sessions."""
    await session.execute(DELETE_SECRETS, {"user": user_id})


async def delete_idempotency_keys(session: AsyncSession, user_id: UUID) -> int:
    """Deletes the kept answers to the user's calls, and to the call that added the user. Returns their number."""
    keys = idempotency_keys
    statement = delete(keys).where(or_(keys.c.caller == user_id, keys.c.answer["id"].astext == str(user_id)))
    return len((await session.execute(statement.returning(keys.c.key))).all())
