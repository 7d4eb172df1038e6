"""What the button of the page does: it signs in, or says what is missing for that."""

from dataclasses import dataclass
from typing import Literal

from services.auth.context import AuthContext
from services.auth.errors import CodeNeeded, InvalidCode, InvalidOneTimeToken
from services.auth.login_links.codes import MOST_TRIES, code_of
from services.auth.login_links.sessions import sign_in
from services.auth.logins.client import Client
from services.auth.one_time_tokens.service import LOGIN, REQUEST, ValidToken, find_token
from services.auth.sessions.tokens import Tokens
from shared.database.session import transaction
from shared.http.browsers import Browser
from shared.identity.principals import SERVICE_CLAIMS

# `elsewhere`: another browser has asked for the link; `dead_code`: and its code was tried too often.
State = Literal["ready", "mfa_required", "invalid_code", "elsewhere", "dead_code", "done", "invalid"]


@dataclass(frozen=True)
class Outcome:
    state: State
    token: ValidToken | None = None
    tokens: Tokens | None = None  # when done
    code: str = ""  # to be typed elsewhere


async def read(context: AuthContext, token: str) -> Outcome:
    """Changes nothing."""
    try:
        async with transaction(context.database, SERVICE_CLAIMS) as session:
            return Outcome("ready", await find_token(session, token, LOGIN, REQUEST))
    except InvalidOneTimeToken:
        return Outcome("invalid")


async def press(
    context: AuthContext, token: str, second_factor: str | None, client: Client, browser: Browser
) -> Outcome:
    """Signs in the browser that posts, once. A link to log in does so in the browser only that asked for it."""
    outcome = await read(context, token)
    valid = outcome.token
    if valid is None:
        return outcome
    if valid.purpose == LOGIN and valid.browser != browser.digest:
        return _elsewhere(context, valid)
    try:
        tokens = await sign_in(context, valid, second_factor, client, browser)
    except CodeNeeded:
        return Outcome("mfa_required", valid)
    except InvalidCode:
        return Outcome("invalid_code", valid)
    except InvalidOneTimeToken:  # pressed twice at the same time
        return Outcome("invalid")
    return Outcome("done", valid, tokens)


def _elsewhere(context: AuthContext, token: ValidToken) -> Outcome:
    keys = context.database.keys
    if token.tries >= MOST_TRIES or keys is None:
        return Outcome("dead_code", token)
    code = code_of(keys, token.hash)
    return Outcome("elsewhere", token, code=f"{code[:3]} {code[3:]}")
