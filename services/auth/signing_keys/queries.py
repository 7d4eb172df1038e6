"""SQL of the signing keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, Row, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import signing_keys

NOW = func.clock_timestamp(type_=DateTime(timezone=True))
LOCK_SIGNING_KEYS = text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_keys'))")


async def lock_signing_keys(session: AsyncSession) -> None:
    """Waits until no other transaction adds a key."""
    await session.execute(LOCK_SIGNING_KEYS)


async def published_keys(session: AsyncSession, after_use: timedelta) -> Sequence[Row[Any]]:
    """The newest first: keys that will sign, the key that signs, and keys that signed until `after_use` ago."""
    now = NOW
    signs_until = func.lead(signing_keys.c.signs_from).over(order_by=signing_keys.c.signs_from)
    keys = (
        select(*signing_keys.c, signs_until.label("signs_until"), (signing_keys.c.signs_from <= now).label("begun"))
        .where(signing_keys.c.withdrawn_at.is_(None))
        .subquery()
    )
    published = select(keys).where(or_(keys.c.signs_until.is_(None), keys.c.signs_until > now - after_use))
    return (await session.execute(published.order_by(keys.c.signs_from.desc(), keys.c.kid))).all()


async def is_key_known(session: AsyncSession, kid: str) -> bool:
    """True also for a withdrawn key."""
    return (
        await session.execute(select(signing_keys.c.kid).where(signing_keys.c.kid == kid))
    ).one_or_none() is not None


async def insert_key(
    session: AsyncSession, kid: str, jwk: dict[str, Any], private_key: bytes, delay: timedelta
) -> None:
    """`private_key` is encrypted. The key signs after the delay."""
    values = {"kid": kid, "public_jwk": jwk, "private_key": private_key, "signs_from": NOW + delay}
    await session.execute(insert(signing_keys).values(values))


async def withdraw_keys(session: AsyncSession, kept: Sequence[str]) -> None:
    """Deletes the private halves of all keys except the kept ones. The ids stay, so that no key comes back as new."""
    withdrawn = update(signing_keys).where(signing_keys.c.kid.not_in(kept), signing_keys.c.withdrawn_at.is_(None))
    await session.execute(withdrawn.values(private_key=None, withdrawn_at=NOW))
