"""The SQL. Secrets are reached through the functions of the migrations alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    LargeBinary,
    Row,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.clients import Attempt, Proof
from services.auth.models import idempotency_keys, signing_keys, users


def _function(name: str, *parameters: str, **casts: str) -> TextClause:
    """A call by named notation; what may be NULL is cast, since NULL alone has no type."""
    given = (f"p_{one} => " + (f"CAST(:{one} AS {casts[one]})" if one in casts else f":{one}") for one in parameters)
    return text(f"SELECT * FROM auth.{name}({', '.join(given)})")


ATTEMPT = ("account", "address", "pair")
RECORD_FAILURE = _function("record_failure", "user", *ATTEMPT, user="uuid")
REVOKE = _function("revoke_sessions", "user", "only", "except", only="uuid", **{"except": "uuid"})
LIST_SESSIONS = _function("list_sessions", "user")
SESSION_AGE = _function("session_age", "user", "session")
SESSION_OF = _function("session_of", "token")
REGISTER = _function(
    "register", "id", "email", "name", "phone", "language", "role", "verified", "hash", phone="text", hash="text"
)
BEGIN_CHANGE = _function("begin_change", "user", "session", *ATTEMPT)
CHANGE_PASSWORD = _function("change_password", "user", "session", "changed_at", "hash")
ISSUE_TOKEN = _function("issue_token", "email", "purpose", "hash", "expires")
TOKEN_HOLDS = _function("token_holds", "hash", "purpose")
VERIFY_EMAIL = _function("verify_email", "hash")
RESET_PASSWORD = _function("reset_password", "hash", "password", "address")
FORGIVE = _function("forgive", "account", "pair")
ENROLL_MFA = _function("enroll_mfa", "user", "secret")
MFA_SECRET = _function("mfa_secret", "user", "confirmed")
CONFIRM_MFA = _function("confirm_mfa", "user", "secret", "step", "codes").bindparams(
    bindparam("codes", type_=ARRAY(LargeBinary))
)
DISABLE_MFA = _function("disable_mfa", "user", "step", "recovery", *ATTEMPT, step="bigint", recovery="bytea")
RESEAL_MFA = _function("reseal_mfa", "user", "old", "new")
REMOVE_MFA = _function("remove_mfa", "user")
EXPORT_SECRETS = _function("export_secrets", "user")
FORGET_SECRETS = _function("forget_secrets", "user")
NOW = func.clock_timestamp(type_=DateTime(timezone=True))
ONE_MAKES_A_KEY = text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_keys'))")


async def record_failure(session: AsyncSession, user_id: UUID | None, attempt: Attempt) -> datetime | None:
    """Until when the failure locks something, if it does."""
    until: datetime | None = (await session.execute(RECORD_FAILURE, {"user": user_id, **vars(attempt)})).scalar_one()
    return until


async def revoke(
    session: AsyncSession, user_id: UUID, only: UUID | None = None, but: UUID | None = None
) -> Sequence[UUID]:
    return (await session.execute(REVOKE, {"user": user_id, "only": only, "except": but})).scalars().all()


async def open_sessions(session: AsyncSession, user_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(LIST_SESSIONS, {"user": user_id})).all()


async def session_age(session: AsyncSession, user_id: UUID, session_id: UUID) -> timedelta | None:
    """None when the session has ended."""
    age: timedelta | None = (await session.execute(SESSION_AGE, {"user": user_id, "session": session_id})).scalar_one()
    return age


async def session_of(session: AsyncSession, token: bytes) -> Row[Any] | None:
    return (await session.execute(SESSION_OF, {"token": token})).one_or_none()


async def register(session: AsyncSession, values: dict[str, Any]) -> bool:
    return bool((await session.execute(REGISTER, values)).scalar_one())


async def begin_change(session: AsyncSession, user_id: UUID, session_id: UUID, attempt: Attempt) -> Row[Any] | None:
    values = {"user": user_id, "session": session_id, **vars(attempt)}
    return (await session.execute(BEGIN_CHANGE, values)).one_or_none()


async def change_password(session: AsyncSession, /, **values: Any) -> bool:
    return bool((await session.execute(CHANGE_PASSWORD, values)).scalar_one())


async def issue_token(
    session: AsyncSession, email: str, purpose: str, hashed: bytes, expires: datetime
) -> Row[Any] | None:
    values = {"email": email, "purpose": purpose, "hash": hashed, "expires": expires}
    return (await session.execute(ISSUE_TOKEN, values)).one_or_none()


async def token_holds(session: AsyncSession, hashed: bytes, purpose: str) -> bool:
    return bool((await session.execute(TOKEN_HOLDS, {"hash": hashed, "purpose": purpose})).scalar_one())


async def verify_email(session: AsyncSession, hashed: bytes) -> Row[Any] | None:
    return (await session.execute(VERIFY_EMAIL, {"hash": hashed})).one_or_none()


async def reset_password(session: AsyncSession, hashed: bytes, password: str, address: bytes) -> Row[Any] | None:
    values = {"hash": hashed, "password": password, "address": address}
    return (await session.execute(RESET_PASSWORD, values)).one_or_none()


async def forgive(session: AsyncSession, attempt: Attempt) -> None:
    await session.execute(FORGIVE, {"account": attempt.account, "pair": attempt.pair})


async def enroll_mfa(session: AsyncSession, user_id: UUID, secret: bytes) -> bool:
    return bool((await session.execute(ENROLL_MFA, {"user": user_id, "secret": secret})).scalar_one())


async def mfa_secret(session: AsyncSession, user_id: UUID, *, confirmed: bool) -> bytes | None:
    values = {"user": user_id, "confirmed": confirmed}
    secret: bytes | None = (await session.execute(MFA_SECRET, values)).scalar_one()
    return secret


async def confirm_mfa(session: AsyncSession, user_id: UUID, secret: bytes, step: int, codes: list[bytes]) -> bool:
    values = {"user": user_id, "secret": secret, "step": step, "codes": codes}
    return bool((await session.execute(CONFIRM_MFA, values)).scalar_one())


async def disable_mfa(session: AsyncSession, user_id: UUID, proof: Proof, attempt: Attempt) -> str:
    values = {"user": user_id, **vars(proof), **vars(attempt)}
    return str((await session.execute(DISABLE_MFA, values)).scalar_one())


async def reseal_mfa(session: AsyncSession, user_id: UUID, old: bytes, new: bytes) -> None:
    await session.execute(RESEAL_MFA, {"user": user_id, "old": old, "new": new})


async def remove_mfa(session: AsyncSession, user_id: UUID) -> bool:
    """Whether there was one."""
    return bool((await session.execute(REMOVE_MFA, {"user": user_id})).scalar_one())


async def export_secrets(session: AsyncSession, user_id: UUID) -> dict[str, Any]:
    """When, where and with what a person was signed in; no secret itself."""
    found: dict[str, Any] = (await session.execute(EXPORT_SECRETS, {"user": user_id})).scalar_one()
    return found


async def forget_secrets(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(FORGET_SECRETS, {"user": user_id})


async def forget_answers(session: AsyncSession, user_id: UUID) -> int:
    """What was answered to a person, and to whoever added them."""
    keys = idempotency_keys
    theirs = delete(keys).where(or_(keys.c.caller == user_id, keys.c.answer["id"].astext == str(user_id)))
    return len((await session.execute(theirs.returning(keys.c.key))).all())


async def user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    statement = select(users).where(users.c.id == user_id)
    return (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()


async def address_taken(session: AsyncSession, email: str, but: UUID) -> bool:
    statement = select(users.c.id).where(users.c.email == email, users.c.id != but)
    return (await session.execute(statement)).one_or_none() is not None


async def change(session: AsyncSession, user_id: UUID, **values: Any) -> Row[Any]:
    statement = update(users).where(users.c.id == user_id)
    values |= {"version": users.c.version + 1, "updated_at": func.now()}
    return (await session.execute(statement.values(values).returning(*users.c))).one()


async def page(
    session: AsyncSession, words: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
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


async def one_makes_a_key(session: AsyncSession) -> None:
    await session.execute(ONE_MAKES_A_KEY)


async def keys(session: AsyncSession, outlived: timedelta) -> Sequence[Row[Any]]:
    """The published keys, newest first: those to sign, the one that does, those whose last token may live."""
    now = NOW
    signs_until = func.lead(signing_keys.c.signs_from).over(order_by=signing_keys.c.signs_from)
    listed = (
        select(*signing_keys.c, signs_until.label("signs_until"), (signing_keys.c.signs_from <= now).label("begun"))
        .where(signing_keys.c.withdrawn_at.is_(None))
        .subquery()
    )
    published = select(listed).where(or_(listed.c.signs_until.is_(None), listed.c.signs_until > now - outlived))
    return (await session.execute(published.order_by(listed.c.signs_from.desc(), listed.c.kid))).all()


async def key_known(session: AsyncSession, kid: str) -> bool:
    """Also for a key that was withdrawn."""
    return (
        await session.execute(select(signing_keys.c.kid).where(signing_keys.c.kid == kid))
    ).one_or_none() is not None


async def keep_key(session: AsyncSession, kid: str, jwk: dict[str, Any], private_key: bytes, ahead: timedelta) -> None:
    values = {"kid": kid, "public_jwk": jwk, "private_key": private_key, "signs_from": NOW + ahead}
    await session.execute(insert(signing_keys).values(values))


async def withdraw_keys(session: AsyncSession, but: Sequence[str]) -> None:
    """Forget the private halves of all keys but these. Their ids stay known, lest one come back as new."""
    gone = update(signing_keys).where(signing_keys.c.kid.not_in(but), signing_keys.c.withdrawn_at.is_(None))
    await session.execute(gone.values(private_key=None, withdrawn_at=NOW))
