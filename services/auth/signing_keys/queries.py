"""SQL of the signing keys. The service's role reads the table; only functions change it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Row, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import signing_keys
from services.auth.sql_calls import function_call

MOST_KEYS = 1_000
NOW = text("SELECT clock_timestamp()")
ADD = function_call("add_signing_key", "kid", "jwk", "private", "signs_from", "mac").bindparams(
    bindparam("jwk", type_=JSONB)
)
WITHDRAW = function_call("withdraw_signing_keys", "kids").bindparams(bindparam("kids", type_=ARRAY(Text)))
LOCK_SIGNING_KEYS = text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_keys'))")


async def lock_signing_keys(session: AsyncSession) -> None:
    """Waits until no other transaction adds a key."""
    await session.execute(LOCK_SIGNING_KEYS)


async def now(session: AsyncSession) -> datetime:
    at: datetime = (await session.execute(NOW)).scalar_one()
    return at


async def kept_keys(session: AsyncSession) -> Sequence[Row[Any]]:
    """Keys that are not withdrawn, the newest first. The database alone may have made some: check their MAC."""
    kept = select(signing_keys).where(signing_keys.c.withdrawn_at.is_(None))
    return (await session.execute(kept.order_by(signing_keys.c.signs_from.desc()).limit(MOST_KEYS))).all()


async def is_key_known(session: AsyncSession, kid: str) -> bool:
    """True also for a withdrawn key."""
    return (
        await session.execute(select(signing_keys.c.kid).where(signing_keys.c.kid == kid))
    ).one_or_none() is not None


async def insert_key(
    session: AsyncSession, kid: str, jwk: dict[str, Any], private_key: bytes, signs_from: datetime, mac: bytes
) -> None:
    """`private_key` is encrypted."""
    await session.execute(ADD, {"kid": kid, "jwk": jwk, "private": private_key, "signs_from": signs_from, "mac": mac})


async def withdraw_keys(session: AsyncSession, kids: Sequence[str]) -> None:
    """Deletes the private halves of the keys. The ids stay, so that no key comes back as new."""
    await session.execute(WITHDRAW, {"kids": list(kids)})
