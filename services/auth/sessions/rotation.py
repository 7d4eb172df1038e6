"""Rotation of refresh tokens: each one works once and is exchanged for the next."""

from datetime import UTC, datetime

from services.auth.context import AuthContext
from services.auth.errors import InvalidRefreshToken
from services.auth.logins.client import Client
from services.auth.sessions import queries
from services.auth.sessions.csrf import check_csrf
from services.auth.sessions.queries import Rotation
from services.auth.sessions.refresh_tokens import REFRESH, next_refresh_token, session_id_in
from services.auth.sessions.tokens import Tokens, issue_tokens, session_expires
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.context import act_as

MOST_STEPS = 5  # exchanges within ten seconds that a late retry can catch up with


async def refresh(context: AuthContext, token: str, client: Client) -> Tokens:
    """New tokens for a refresh token that was not used before.

    A retry by the same client within ten seconds gets the same refresh token again, or the newest one if another tab
    has exchanged that meanwhile. Any other use of a used token ends
    the session: somebody else has the token too (ADR 0011). Raises InvalidRefreshToken.
    """
    session_id = session_id_in(token)
    if session_id is None or session_expires(context, session_id) <= datetime.now(UTC):
        raise InvalidRefreshToken
    for _ in range(MOST_STEPS):
        new_token = next_refresh_token(context.encryption, token, session_id)
        rotation = await _rotate(context, token, new_token, session_expires(context, session_id), client)
        if rotation.outcome != "superseded":
            break
        token = new_token
    principal = rotation.principal
    if principal is None:
        raise InvalidRefreshToken
    act_as(str(principal.id), principal.role)
    context.database.notifier.poke()
    if rotation.outcome not in {"rotated", "repeated"}:
        raise InvalidRefreshToken
    return await issue_tokens(context, principal.id, principal.role, principal.session_id, new_token)


async def _rotate(context: AuthContext, token: str, new_token: str, expires: datetime, client: Client) -> Rotation:
    rotation = Rotation("unknown", None)
    for digest in context.encryption.token_digests(REFRESH, token):
        rotation = await queries.rotate_refresh_token(
            *(context.database, SERVICE_CLAIMS, digest, context.encryption.token_digests(REFRESH, new_token)[0]),
            expires=expires,
            client=client.fingerprint(context.encryption),
        )
        if rotation.principal is not None:
            break
    return rotation


async def refresh_cookie(context: AuthContext, cookie: str | None, csrf: str | None, client: Client) -> Tokens:
    """As `refresh`, for the token in the cookie. Raises InvalidCsrfToken, which leaves the token unused."""
    if cookie is None:
        raise InvalidRefreshToken
    check_csrf(context.encryption, cookie, csrf)
    return await refresh(context, cookie, client)
