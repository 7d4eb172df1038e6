"""The tokens that a login and a refresh return."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.auth.context import AuthContext
from services.auth.sessions.csrf import csrf_token


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int  # seconds until the access token expires
    csrf_token: str


async def issue_tokens(context: AuthContext, user_id: UUID, role: str, session_id: UUID, refresh_token: str) -> Tokens:
    return Tokens(
        access_token=await context.tokens.access_token(user_id, role, session_id),
        refresh_token=refresh_token,
        expires_in=context.tokens.access_token_seconds,
        csrf_token=csrf_token(context.encryption, session_id),
    )


def session_expires(context: AuthContext) -> datetime:
    """When a session ends that is opened or refreshed now, unless it is refreshed again."""
    return datetime.now(UTC) + timedelta(days=context.settings.refresh_token_expire_days)
