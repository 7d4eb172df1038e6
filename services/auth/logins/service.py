"""Logging in with a password, and with a code where the second factor is on."""

from services.auth.context import AuthContext
from services.auth.errors import CodeNeeded, InvalidCode, InvalidCredentials
from services.auth.logins import queries
from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.logins.lockout import LOGINS, record_failure
from services.auth.logins.queries import Credentials
from services.auth.mfa import codes
from services.auth.mfa.service import reencrypt_secret
from services.auth.passwords.refusals import PasswordNeedsSecondFactor
from services.auth.passwords.sealing import reseal_hash, seal_hash, unseal_hash
from services.auth.passwords.strength import is_long_enough
from services.auth.sessions.refresh_tokens import REFRESH, create_refresh_token
from services.auth.sessions.tokens import Tokens, issue_tokens, session_expires
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.observability.context import act_as

METRIC_OUTCOMES = {"opened": "ok", "code_needed": "code_needed", "code_wrong": "code", "refused": "locked"}


async def log_in(context: AuthContext, email: str, password: str, code: str | None, client: Client) -> Tokens:
    """Opens a session.

    Raises InvalidCredentials alike for an unknown address, a wrong password, a deactivated and a locked user. When the
    password is right: CodeNeeded or InvalidCode with the second factor on, PasswordNeedsSecondFactor for a short one
    with it off. Unavailable when too many logins wait for a thread.
    """
    attempt = Attempt.create(context.encryption, email, client)
    start = await queries.begin_login(context.database, email, attempt)
    credentials = start.credentials
    known = unseal_hash(context.keys, credentials.user_id, credentials.password_hash) if credentials else None
    if not await context.passwords.matches(password, known) or credentials is None:
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            await record_failure(session, start.user_id, attempt, "locked" if start.locked else "credentials")
        raise InvalidCredentials
    return await _open_session(context, credentials, password, code, attempt, client)


async def _open_session(
    context: AuthContext, credentials: Credentials, password: str, code: str | None, attempt: Attempt, client: Client
) -> Tokens:
    if credentials.mfa_secret is None and not is_long_enough(password, second_factor=False):
        raise PasswordNeedsSecondFactor
    session_id = new_id()
    submitted = codes.read_code(context.encryption, credentials.mfa_secret, code)
    refresh_token = create_refresh_token(session_id)
    result = await queries.log_in(
        *(context.database, SERVICE_CLAIMS, attempt, submitted),
        session=session_id,
        credentials=credentials,
        rehash=await _renewed_hash(context, credentials, password),
        token=context.encryption.token_digests(REFRESH, refresh_token)[0],
        expires=session_expires(context, session_id),
        client=client,
    )
    context.database.notifier.poke()
    LOGINS.labels(METRIC_OUTCOMES[result.outcome]).inc()
    match result.outcome:
        case "opened":
            act_as(str(credentials.user_id), result.role)
            await reencrypt_secret(context, credentials.user_id, credentials.mfa_secret)
            return await issue_tokens(context, credentials.user_id, result.role, session_id, refresh_token)
        case "code_needed":
            raise CodeNeeded
        case "code_wrong":
            raise InvalidCode
        case _:
            raise InvalidCredentials


async def _renewed_hash(context: AuthContext, credentials: Credentials, password: str) -> str | None:
    """A new sealed hash if the known one was made with other parameters or sealed with SECRET_KEY_PREVIOUS."""
    user_id, sealed = credentials.user_id, credentials.password_hash
    renewed = await context.passwords.rehash_if_outdated(password, unseal_hash(context.keys, user_id, sealed) or "")
    return seal_hash(context.keys, user_id, renewed) if renewed else reseal_hash(context.keys, user_id, sealed)
