from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import signing_keys, users

REGISTER = text("SELECT auth.register(:id, :email, :full_name, :phone, :language, :role, :verified, :hash)")
BEGIN_LOGIN = text("SELECT user_id, role, password_hash FROM auth.begin_login(:email)")
BEGIN_CHANGE = text("SELECT auth.begin_change(:user_id)")
OPEN_SESSION = text("SELECT auth.open_session(:session_id, :user_id, :hash, :expires)")
ROTATE = text("SELECT outcome, session_id, user_id, role FROM auth.rotate(:old, :new, :expires)")
REVOKE = text("SELECT auth.revoke_sessions(:user_id, CAST(:only AS uuid), CAST(:but AS uuid))")
SET_PASSWORD = text("SELECT auth.set_password(:user_id, :hash)")
ONE_MAKES_THE_KEY = text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_keys'))")


async def register(session: AsyncSession, values: dict[str, Any]) -> bool:
    return bool((await session.execute(REGISTER, values)).scalar())


async def begin_login(session: AsyncSession, email: str) -> Row[Any] | None:
    return (await session.execute(BEGIN_LOGIN, {"email": email})).one_or_none()


async def password_hash(session: AsyncSession, user_id: UUID) -> str | None:
    return (await session.execute(BEGIN_CHANGE, {"user_id": user_id})).scalar()


async def set_password(session: AsyncSession, user_id: UUID, hashed: str) -> None:
    await session.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})


async def open_session(
    session: AsyncSession, session_id: UUID, user_id: UUID, hashed: bytes, expires: datetime
) -> None:
    values = {"session_id": session_id, "user_id": user_id, "hash": hashed, "expires": expires}
    await session.execute(OPEN_SESSION, values)


async def rotate(session: AsyncSession, old: bytes, new: bytes, expires: datetime) -> Row[Any]:
    return (await session.execute(ROTATE, {"old": old, "new": new, "expires": expires})).one()


async def revoke(
    session: AsyncSession, user_id: UUID, only: UUID | None = None, but: UUID | None = None
) -> Sequence[UUID]:
    return (await session.execute(REVOKE, {"user_id": user_id, "only": only, "but": but})).scalars().all()


async def user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    statement = select(users).where(users.c.id == user_id)
    return (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()


async def change(session: AsyncSession, user_id: UUID, **values: Any) -> Row[Any]:
    statement = update(users).where(users.c.id == user_id)
    values |= {"version": users.c.version + 1, "updated_at": func.now()}
    return (await session.execute(statement.values(values).returning(*users.c))).one()


async def page(session: AsyncSession, words: str | None, after: tuple[datetime, UUID] | None, limit: int) -> Any:
    statement = select(users)
    if words:
        statement = statement.where(
            users.c.full_name.icontains(words, autoescape=True) | users.c.email.icontains(words, autoescape=True)
        )
    if after:
        statement = statement.where(tuple_(users.c.created_at, users.c.id) > tuple_(*after))
    return (await session.execute(statement.order_by(users.c.created_at, users.c.id).limit(limit))).all()


async def active_admins(session: AsyncSession) -> int:
    # Locked, so that two admins cannot take each other's role away at the same instant.
    locked = select(users.c.id).where(users.c.role == "admin", users.c.active).order_by(users.c.id).with_for_update()
    return len((await session.execute(locked)).all())


async def empty(session: AsyncSession) -> bool:
    return (await session.execute(select(users.c.id).limit(1))).one_or_none() is None


async def signing_key(session: AsyncSession) -> tuple[str, bytes] | None:
    await session.execute(ONE_MAKES_THE_KEY)
    newest = select(signing_keys.c.kid, signing_keys.c.private_key).order_by(signing_keys.c.created_at.desc()).limit(1)
    row = (await session.execute(newest)).one_or_none()
    return None if row is None else (row.kid, row.private_key)


async def keep_signing_key(session: AsyncSession, kid: str, private_key: bytes) -> None:
    await session.execute(insert(signing_keys).values(kid=kid, private_key=private_key))
