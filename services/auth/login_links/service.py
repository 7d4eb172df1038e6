"""Mails with a link that signs in, and signing in with the link or with the mail's code."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import seal_message
from services.auth.context import AuthContext
from services.auth.errors import InvalidLoginCode, InvalidOneTimeToken
from services.auth.events import LoginFailed, RequestedTime, UserLinkRequested
from services.auth.login_links.codes import code_of
from services.auth.login_links.sessions import sign_in
from services.auth.logins.client import Client
from services.auth.one_time_tokens import queries
from services.auth.one_time_tokens.service import LOGIN, Issued, ValidToken, checked, issue
from services.auth.sessions.tokens import Tokens
from shared.database.session import transaction
from shared.http.browsers import Browser
from shared.identity.derived_keys import keys_of
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import emit

LIFETIME = timedelta(minutes=15)


async def request_link(context: AuthContext, email: str, browser: Browser) -> None:
    """Has a link and a code mailed to the user with this address, if there is one."""
    expires = datetime.now(UTC) + LIFETIME
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        issued = await issue(session, email, LOGIN, expires, browser.digest)
        if issued is not None:
            mail_link(session, issued, "login", expires)


def mail_link(
    session: AsyncSession,
    issued: Issued,
    purpose: Literal["login", "request"],
    expires: datetime,
    request: RequestedTime | None = None,
) -> None:
    code = seal_message(keys_of(session), issued.user.user_id, code_of(keys_of(session), issued.hash))
    sealed = {"token": issued.sealed, "code": code}
    emit(
        session,
        UserLinkRequested(**issued.user._mapping, purpose=purpose, **sealed, expires_at=expires, request=request),
    )


async def sign_in_with_code(
    context: AuthContext, code: str, second_factor: str | None, client: Client, browser: Browser
) -> Tokens:
    """Signs in with the code of a mail that this browser has asked for.

    Each of the three newest mails takes five tries. They are counted before the code is compared, in a transaction of
    their own. Raises InvalidLoginCode alike for a wrong code, and one that has expired, was used or is another
    browser's; CodeNeeded, InvalidCode.
    """
    digits = "".join(code.split())
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        token = None if browser.new else await _token_of(session, digits, browser)
        if token is None:
            emit(session, LoginFailed(version=1, user_id=None, reason="code"))
    if token is None:
        raise InvalidLoginCode
    try:
        return await sign_in(context, token, second_factor, client, browser)
    except InvalidOneTimeToken as error:  # used at the same time, or of an account that has ended
        raise InvalidLoginCode from error


async def _token_of(session: AsyncSession, digits: str, browser: Browser) -> ValidToken | None:
    tokens = [checked(session, row) for row in await queries.try_code(session, browser.digest)]
    fitting = [
        token for token in tokens if token and hmac.compare_digest(code_of(keys_of(session), token.hash), digits)
    ]
    return fitting[0] if fitting else None
