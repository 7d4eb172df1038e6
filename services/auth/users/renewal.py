"""After a change of SECRET_KEY: accounts and password hashes are signed and sealed with the new key."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.passwords import queries as passwords
from services.auth.passwords.sealing import reseal_hash
from services.auth.users import queries
from services.auth.users.signed_accounts import account_mac, is_authentic
from shared.identity.derived_keys import keys_of

PAGE = 500
Read = Callable[[AsyncSession, UUID | None, int], Awaitable[Sequence[Row[Any]]]]


async def renew(session: AsyncSession) -> None:
    """Renews what was made with SECRET_KEY_PREVIOUS, and nothing that neither key has made."""
    keys = keys_of(session)
    async for row in _every(session, queries.users_after, "id"):
        account = dict(row._mapping)
        mac = account_mac(keys, account)
        if row.mac not in (None, mac) and is_authentic(keys, account):
            await queries.set_mac(session, row.id, mac)
    async for row in _every(session, passwords.hashes_after, "user_id"):
        if resealed := reseal_hash(keys, row.user_id, row.password_hash):
            await passwords.replace_hash(session, row.user_id, row.password_hash, resealed)


async def _every(session: AsyncSession, read: Read, key: str) -> AsyncIterator[Row[Any]]:
    after = None
    while rows := await read(session, after, PAGE):
        for row in rows:
            yield row
        after = getattr(rows[-1], key)
