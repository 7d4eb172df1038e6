"""SQL of logins. BEGIN_LOGIN and LOG_IN are one statement each, and each is a transaction of its own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.mfa.codes import SubmittedCode
from services.auth.sql_calls import function_call
from shared.database.session import Database
from shared.identity.principals import Claims
from shared.messaging.events import new_id

BEGIN_LOGIN = "SELECT * FROM auth.begin_login($1, $2, $3, $4)"
LOG_IN = "SELECT * FROM auth.log_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
RECORD_FAILURE = function_call("record_failure", "user", "account", "address", "pair", user="uuid")
IS_LOCKED = function_call("is_locked", "user", "account", "address", "pair")
CLEAR_FAILURES = function_call("clear_failures", "account", "pair")


@dataclass(frozen=True)
class Credentials:
    """Of an active user who is not locked and has a password."""

    user_id: UUID
    password_hash: str  # sealed
    changed_at: datetime
    mfa_secret: bytes | None  # encrypted


@dataclass(frozen=True)
class LoginStart:
    user_id: UUID | None  # of the active user with the address
    locked: bool
    credentials: Credentials | None


@dataclass(frozen=True)
class LoginResult:
    outcome: str  # opened, code_needed, code_wrong or refused
    role: str


async def begin_login(database: Database, email: str, attempt: Attempt) -> LoginStart:
    row = dict(await database.autocommit.row(BEGIN_LOGIN, email, *_keys(attempt)))
    locked = row.pop("locked")
    return LoginStart(row["user_id"], locked, Credentials(**row) if row["password_hash"] is not None else None)


async def log_in(
    database: Database, claims: Claims, attempt: Attempt, code: SubmittedCode, /, session: UUID,
    credentials: Credentials, rehash: str | None, token: bytes, expires: datetime, client: Client,
) -> LoginResult:  # fmt: skip
    """Opens a session and emits session.started.v1, or records the failure.

    Under locks the database checks again what may have changed since begin_login: that the user is active, has the same
    password and is not locked. It also uses the code up.
    """
    user_id, changed_at = credentials.user_id, credentials.changed_at
    values = (session, user_id, changed_at, rehash, token, expires, *_keys(attempt), code.step, code.recovery)
    row = await database.autocommit.row(LOG_IN, claims.as_json(), new_id(), *values, client.user_agent, client.address)
    return LoginResult(row["outcome"], row["role"] or "")


def _keys(attempt: Attempt) -> tuple[bytes, bytes, bytes]:
    return attempt.account, attempt.address, attempt.pair


async def record_failure(session: AsyncSession, user_id: UUID | None, attempt: Attempt) -> datetime | None:
    """Returns the end of the lock if this failure locks the account, the address or both."""
    until: datetime | None = (await session.execute(RECORD_FAILURE, {"user": user_id, **vars(attempt)})).scalar_one()
    return until


async def clear_failures(session: AsyncSession, attempt: Attempt) -> None:
    await session.execute(CLEAR_FAILURES, {"account": attempt.account, "pair": attempt.pair})


async def is_locked(session: AsyncSession, user_id: UUID, attempt: Attempt) -> bool:
    return bool((await session.execute(IS_LOCKED, {"user": user_id, **vars(attempt)})).scalar_one())
