"""The page of a link that signs in. It needs no JavaScript. Only its button has an effect: mail scanners open links."""

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Header, Path, Query
from fastapi.responses import HTMLResponse

from domain import pages
from services.auth.dependencies import Anyone, ClientDep, ContextDep
from services.auth.one_time_tokens.schemas import TOKEN
from services.auth.one_time_tokens.service import LOGIN
from services.auth.sessions.cookies import set_session_cookies
from services.auth.sign_in_pages import service
from services.auth.sign_in_pages.service import Outcome
from services.auth.sign_in_pages.texts import WORDS
from shared.errors import NotFound
from shared.http.browsers import BrowserDep, set_browser_cookie
from shared.http.dependencies import LanguageDep
from shared.openapi.operations import CACHE_CONTROL, SET_COOKIE, Responses, raises, sends

router = APIRouter(prefix="/sign-in", tags=["pages"], default_response_class=HTMLResponse)
TEMPLATES = pages.templates(FilePath(__file__).parents[1] / "templates")
Token = Annotated[str, Path(max_length=200, examples=[TOKEN], description="From the link in the mail")]
Lang = Annotated[Literal["da", "en"] | None, Query()]
SecondFactor = Annotated[str, Form(max_length=40, examples=["492039"])]
Site = Annotated[str, Header(alias="Sec-Fetch-Site", max_length=20, examples=["same-origin"])]
OWN_PAGE = frozenset({"", "same-origin", "none"})  # empty: a browser from before 2023
SHOWN: Responses = raises(NotFound) | sends(200, CACHE_CONTROL, SET_COOKIE)
SHOWN[404]["content"] = {"text/html": {"schema": {"type": "string"}}}


@router.get("/{token}", summary="Page of a link that signs in", responses=SHOWN)
async def sign_in_page(
    token: Token, context: ContextDep, browser: BrowserDep, _: Anyone, accepted: LanguageDep, lang: Lang = None
) -> HTMLResponse:
    """Shows a button, and whom it signs in. Nothing is changed."""
    outcome = await service.read(context, token)
    page = _page(outcome, lang or accepted, lang)
    if outcome.token is not None:
        set_browser_cookie(page, browser)
    return page


@router.post("/{token}", summary="Sign in with the link of a page", responses=SHOWN)
async def sign_in_on_page(
    token: Token,
    context: ContextDep,
    client: ClientDep,
    browser: BrowserDep,
    _: Anyone,
    accepted: LanguageDep,
    lang: Lang = None,
    second_factor: SecondFactor = "",
    site: Site = "",
) -> HTMLResponse:
    """The button of the page: verifies the address and sets the refresh token as a cookie, once.

    A login that another browser has asked for is not opened here: the page shows the code to enter there. Where the
    second factor is on, the page asks for it first. A form of another site has no effect: it comes without the cookie
    of the browser, which the page has set.
    """
    if browser.new or site not in OWN_PAGE:
        return await sign_in_page(token, context, browser, None, accepted, lang)
    outcome = await service.press(context, token, second_factor or None, client, browser)
    page = _page(outcome, lang or accepted, lang)
    if outcome.tokens is not None:
        set_session_cookies(page, context, outcome.tokens.refresh_token)
    return page


def _page(outcome: Outcome, language: str, lang: str | None) -> HTMLResponse:
    words = WORDS[language]
    own = words["login"] if outcome.token is None or outcome.token.purpose == LOGIN else words["request"]
    match outcome.state:
        case "done":
            own = words["signed_in"] if own is words["login"] else words["confirmed"]
        case "elsewhere" | "dead_code" | "invalid":
            own = words[outcome.state]
    values: dict[str, Any] = {"words": words | own, "state": outcome.state, "code": outcome.code}
    values["email"] = outcome.token.email if outcome.token else ""
    values["query"] = f"?lang={lang}" if lang else ""
    content = TEMPLATES.get_template("sign_in.html").render(language=language, **values)
    headers = pages.headers(language, form="'self'", referrer="no-referrer") | {"X-Robots-Tag": "noindex, nofollow"}
    return HTMLResponse(content, 404 if outcome.state == "invalid" else 200, headers)
