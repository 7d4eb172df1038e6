"""Somebody who uses a mailed token reads the mail of its address: the address is verified.

The first time this happens in another browser than the one that registered the address, everything that was set before
is removed: it may be a stranger's, who registered the address to get into the account later (pre-hijacking; Sudhodanan
and Paverd, USENIX Security 2022).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.errors import InvalidOneTimeToken
from services.auth.events import UserVerified
from services.auth.one_time_tokens import queries
from services.auth.one_time_tokens.service import ValidToken
from services.auth.sessions.service import end_sessions
from services.auth.users.service import require_user, state_of
from shared.messaging.events import emit


async def prove_address(session: AsyncSession, token: ValidToken, browser: bytes) -> Row[Any]:
    """Uses the token up. `browser`: digest of the cookie of the browser that does it. Raises InvalidOneTimeToken."""
    proven = await queries.prove_address(session, token.hash, token.purpose, token.mac, browser)
    if proven is None:
        raise InvalidOneTimeToken
    await announce(session, proven, token.request_id)
    return proven


async def announce(session: AsyncSession, proven: Row[Any], request_id: UUID | None = None) -> None:
    """Publishes a proof that SQL has recorded. After a reset, the other services remove what was set with them."""
    if proven.reset:
        await end_sessions(session, proven.user_id, "address_proven")
    if proven.newly or request_id is not None:
        state = state_of(await require_user(session, proven.user_id))
        emit(session, UserVerified(**state, reset=proven.reset, request_id=request_id))
