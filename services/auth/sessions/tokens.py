"""The tokens that a login and a refresh return."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.roles import Role
from services.auth.context import AuthContext
from services.auth.sessions.access_tokens import began_at
from services.auth.sessions.csrf import csrf_token
from services.auth.users.signed_accounts import require_account

RESTRICTED = (Role.STAFF, Role.ADMIN)


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str
    expires_in: int  # seconds until the access token expires
    csrf_token: str
    needs_second_factor: bool


async def issue_tokens(context: AuthContext, user_id: UUID, role: str, session_id: UUID, refresh_token: str) -> Tokens:
    """With STAFF_NEED_SECOND_FACTOR, staff and admins get a customer's rights until the session has shown one.

    Raises Unauthorized when the account was changed past this service, or is not active any more.
    """
    shown = await require_account(context.database, context.keys, user_id, role, session_id)
    needs_second_factor = context.settings.staff_need_second_factor and role in RESTRICTED and not shown
    if needs_second_factor:
        role = Role.CUSTOMER
    return Tokens(
        access_token=await context.tokens.access_token(user_id, role, session_id),
        refresh_token=refresh_token,
        expires_in=context.tokens.access_token_seconds,
        csrf_token=csrf_token(context.encryption, session_id),
        needs_second_factor=needs_second_factor,
    )


def session_expires(context: AuthContext, session_id: UUID) -> datetime:
    """When a session ends that is opened or refreshed now, unless it is refreshed again.

    Never later than SESSION_MAX_DAYS after the login.
    """
    now = datetime.now(UTC)
    began = datetime.fromtimestamp(min(began_at(session_id), now.timestamp()), UTC)  # the id may be a stranger's
    last = began + timedelta(days=context.settings.session_max_days)
    return min(last, now + timedelta(days=context.settings.refresh_token_expire_days))
