"""Coming in and staying in, as the database knows it: one statement each, which is a transaction of its own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.roles import Role
from services.auth.clients import Attempt, Client, Proof
from shared.database.session import Database
from shared.identity.principals import Claims, Principal
from shared.messaging.events import new_id

BEGIN_LOGIN = "SELECT * FROM auth.begin_login($1, $2, $3, $4)"
LOG_IN = "SELECT * FROM auth.log_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
REFRESH = "SELECT * FROM auth.refresh($1, $2, $3, $4, $5, $6)"


@dataclass(frozen=True)
class Known:
    """An active user who is not locked and has a password."""

    user_id: UUID
    password_hash: str
    changed_at: datetime
    mfa_secret: bytes | None


@dataclass(frozen=True)
class Begun:
    """What a login is measured by."""

    user_id: UUID | None  # whoever has the address
    locked: bool
    known: Known | None

    @property
    def password_hash(self) -> str | None:
        return self.known.password_hash if self.known else None


@dataclass(frozen=True)
class Opened:
    outcome: str
    role: str


@dataclass(frozen=True)
class Rotated:
    outcome: str
    holder: Principal | None  # of a token that is known


async def begin_login(database: Database, email: str, attempt: Attempt) -> Begun:
    row = dict(await database.autocommit.row(BEGIN_LOGIN, email, *_keys(attempt)))
    locked = row.pop("locked")
    return Begun(row["user_id"], locked, Known(**row) if row["password_hash"] is not None else None)


async def log_in(
    database: Database, claims: Claims, attempt: Attempt, proof: Proof, /, session: UUID, who: Known,
    rehash: str | None, token: bytes, expires: datetime, client: Client,
) -> Opened:  # fmt: skip
    """Opens a session and tells of it, in one statement; the outcome says if not, and why."""
    values = (session, who.user_id, who.changed_at, rehash, token, expires, *_keys(attempt), proof.step)
    client_said = (proof.recovery, client.agent, client.host)
    row = await database.autocommit.row(LOG_IN, claims.as_json(), new_id(), *values, *client_said)
    return Opened(row["outcome"], row["role"] or "")


def _keys(attempt: Attempt) -> tuple[bytes, bytes, bytes]:
    return attempt.account, attempt.address, attempt.pair


async def refresh(
    database: Database, claims: Claims, old: bytes, new: bytes, *, expires: datetime, client: bytes
) -> Rotated:
    """Exchanges the token and tells of it, in one statement; the outcome says if not, and why."""
    row = await database.autocommit.row(REFRESH, claims.as_json(), new_id(), old, new, expires, client)
    known = row["user_id"] is not None
    return Rotated(row["outcome"], Principal(row["user_id"], Role(row["role"]), row["session_id"]) if known else None)
