"""SQL of the second factor. The tables are closed to the service's role: only the functions reach them."""

from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, bindparam
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.logins.attempts import Attempt
from services.auth.mfa.codes import SubmittedCode
from services.auth.sql_calls import function_call

ENROLL_MFA = function_call("enroll_mfa", "user", "secret")
MFA_SECRET = function_call("mfa_secret", "user", "confirmed")
CONFIRM_MFA = function_call("confirm_mfa", "user", "secret", "step", "codes").bindparams(
    bindparam("codes", type_=ARRAY(LargeBinary))
)
DISABLE_MFA = function_call(
    "disable_mfa", "user", "step", "recovery", "account", "address", "pair", step="bigint", recovery="bytea"
)
REENCRYPT_MFA = function_call("reseal_mfa", "user", "old", "new")
REMOVE_MFA = function_call("remove_mfa", "user")


async def enroll_mfa(session: AsyncSession, user_id: UUID, secret: bytes) -> bool:
    """False when the second factor is on already."""
    return bool((await session.execute(ENROLL_MFA, {"user": user_id, "secret": secret})).scalar_one())


async def mfa_secret(session: AsyncSession, user_id: UUID, *, confirmed: bool) -> bytes | None:
    values = {"user": user_id, "confirmed": confirmed}
    secret: bytes | None = (await session.execute(MFA_SECRET, values)).scalar_one()
    return secret


async def confirm_mfa(
    session: AsyncSession, user_id: UUID, secret: bytes, step: int | None, codes: list[bytes]
) -> bool:
    """`codes`: the hashes of the recovery codes. False when the secret is not the one to confirm."""
    values = {"user": user_id, "secret": secret, "step": step, "codes": codes}
    return bool((await session.execute(CONFIRM_MFA, values)).scalar_one())


async def disable_mfa(session: AsyncSession, user_id: UUID, code: SubmittedCode, attempt: Attempt) -> str:
    """Returns "right", "off" when there is no second factor, or why the code was refused."""
    values = {"user": user_id, **vars(code), **vars(attempt)}
    return str((await session.execute(DISABLE_MFA, values)).scalar_one())


async def replace_secret(session: AsyncSession, user_id: UUID, old: bytes, new: bytes) -> None:
    """Both are the same secret, encrypted with different keys."""
    await session.execute(REENCRYPT_MFA, {"user": user_id, "old": old, "new": new})


async def remove_mfa(session: AsyncSession, user_id: UUID) -> bool:
    """False when there is no second factor."""
    return bool((await session.execute(REMOVE_MFA, {"user": user_id})).scalar_one())
