"""Opens a session for somebody who has proven to read the mail of an address. The second factor is still asked for."""

from services.auth.context import AuthContext
from services.auth.errors import CodeNeeded, InvalidCode
from services.auth.events import SessionStarted
from services.auth.login_links import queries
from services.auth.logins.attempts import Attempt
from services.auth.logins.client import Client
from services.auth.logins.lockout import LOGINS, record_failure
from services.auth.mfa.codes import read_code
from services.auth.mfa.queries import mfa_secret
from services.auth.one_time_tokens.proofs import prove_address
from services.auth.one_time_tokens.service import ValidToken
from services.auth.sessions.refresh_tokens import REFRESH, create_refresh_token
from services.auth.sessions.tokens import Tokens, issue_tokens, session_expires
from shared.database.session import transaction
from shared.http.browsers import Browser
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import emit, new_id
from shared.observability.context import act_as


async def sign_in(
    context: AuthContext, token: ValidToken, second_factor: str | None, client: Client, browser: Browser
) -> Tokens:
    """Uses the token up, verifies the address, and opens a session: all of it or, without the second factor, nothing.

    Raises InvalidOneTimeToken; CodeNeeded and InvalidCode, after which the token is still valid. A wrong code counts as
    a failed login.
    """
    attempt = Attempt.create(context.encryption, token.email, client)
    session_id = new_id()
    refresh_token = create_refresh_token(session_id)
    digest = context.encryption.token_digests(REFRESH, refresh_token)[0]
    try:
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            await prove_address(session, token, browser.digest)
            secret = await mfa_secret(session, token.user_id, confirmed=True)
            opened = await queries.open_session(
                *(session, session_id, token.user_id, digest, session_expires(context, session_id)),
                *(attempt, read_code(context.encryption, secret, second_factor), client),
            )
            _require_opened(opened.outcome)
            act_as(str(token.user_id), opened.role)
            started = {"session_id": session_id, "user_id": token.user_id, "new_device": opened.new_device}
            emit(session, SessionStarted(version=1, **started))
    except InvalidCode:
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            await record_failure(session, token.user_id, attempt, "code")
        raise
    LOGINS.labels("ok").inc()
    return await issue_tokens(context, token.user_id, opened.role, session_id, refresh_token)


def _require_opened(outcome: str) -> None:
    if outcome == "code_needed":
        raise CodeNeeded
    if outcome != "opened":
        raise InvalidCode
