"""What the database alone cannot make: a user's address, role and state carry a MAC under a key of SECRET_KEY.

Whoever has auth's database login can write into the table, but gets no token for what they wrote: it is checked where
access tokens are issued, links are mailed, and accounts are changed.
"""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from keys.derived import Keys
from services.auth.errors import AccountAltered
from services.auth.users import queries
from shared.database.session import Database
from shared.errors import Unauthorized
from shared.identity.derived_keys import keys_of
from shared.messaging.events import new_id
from shared.observability.log import logger

PURPOSE = "auth accounts"
SIGNED = ("id", "email", "role", "active")
ACCOUNT = "SELECT * FROM auth.account($1, $2)"

log = logger(__name__)


def account_mac(keys: Keys, account: dict[str, Any]) -> bytes:
    return keys.sign(PURPOSE, _content(account))


def is_authentic(keys: Keys, account: dict[str, Any]) -> bool:
    """Whether auth itself wrote the account's address, role and state. Logs an error if not."""
    if account["mac"] is not None and keys.verify(PURPOSE, _content(account), account["mac"]):
        return True
    log.error("account_not_authentic", user_id=str(account["id"]))
    return False


def _content(account: dict[str, Any]) -> bytes:
    return json.dumps([str(account["id"]), *(account[name] for name in SIGNED[1:])]).encode()


async def sign_new(session: AsyncSession, user_id: UUID, email: str, role: str) -> None:
    account = {"id": user_id, "email": email, "role": role, "active": True}
    await queries.set_mac(session, user_id, account_mac(keys_of(session), account))


async def sign_change(session: AsyncSession, before: Row[Any], **changes: Any) -> bytes:
    """The MAC of the account with these changes. Raises AccountAltered when it was not authentic before."""
    keys, account = keys_of(session), dict(before._mapping)
    if not is_authentic(keys, account):
        raise AccountAltered
    return account_mac(keys, account | changes)


async def sign_new_address(session: AsyncSession, after: Row[Any], old_email: str) -> None:
    """For an address that SQL has changed. Raises AccountAltered when the account was not authentic before."""
    keys, account = keys_of(session), dict(after._mapping)
    if not is_authentic(keys, account | {"email": old_email}):
        raise AccountAltered
    await queries.set_mac(session, after.id, account_mac(keys, account))


async def is_account_authentic(session: AsyncSession, user_id: UUID | None) -> bool:
    """False for nobody too, after the same statement."""
    row = await queries.get_user(session, user_id or new_id())
    return row is not None and is_authentic(keys_of(session), dict(row._mapping))


async def require_account(database: Database, keys: Keys, user_id: UUID, role: str, session_id: UUID) -> bool:
    """Returns whether the session has shown a second factor.

    Raises Unauthorized unless the account is active, has this role, and is as auth wrote it.
    """
    row = await database.autocommit.row(ACCOUNT, user_id, session_id)
    account = dict(row) if row else None
    if account is None or not is_authentic(keys, account) or not account["active"] or account["role"] != role:
        raise Unauthorized
    return bool(account["second_factor"])
