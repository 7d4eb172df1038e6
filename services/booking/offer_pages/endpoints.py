"""The page of an offer of the waitlist, which its mail links to. It works without an account and without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.booking.dependencies import Visitor as Anyone
from services.booking.errors import UNBOOKABLE, TooManyOpen
from services.booking.offer_pages import service, texts
from services.booking.pages.layout import Lang, notice, page, shows
from shared.database.session import Database
from shared.errors import NotFound, ProblemError
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.openapi.operations import LOCATION, sends

router = APIRouter(prefix="/offers")

EXAMPLE = "AZNtXo0-cACAAAAAAAAA8gzZqF0bD3yJ9mKk7h2cQvR8xWJfT5uYl1nGsE4oPaiQ"
Token = Annotated[str, Path(max_length=200, examples=[EXAMPLE], description="From the link in the mail")]
ENDED_STATES = frozenset({"lapsed", "ended", "gone"})


@router.get(
    "/{token}", response_class=HTMLResponse, summary="Page of an offer", responses=shows(NotFound, service.OfferEnded)
)
async def show_offer_page(
    _: Anyone, token: Token, database: DatabaseDep, accepted: LanguageDep, lang: Lang = None
) -> Response:
    """Shows the offered time to whoever has its link, and what has become of it. Nothing is changed, because mail
    scanners follow the links in a mail. With status 410 the offer has ended."""
    return await _show(database, token, lang or accepted)


@router.post(
    "/{token}",
    status_code=303,
    response_class=Response,
    summary="Accept the offer of a page",
    response_description="To the page",
    responses=shows(NotFound, *UNBOOKABLE, TooManyOpen) | sends(303, LOCATION),
)
async def accept_on_page(
    _: Anyone, token: Token, database: DatabaseDep, accepted: LanguageDep, lang: Lang = None
) -> Response:
    """The button of the page: books the time by the rules for customers. Pressed again, it answers the same."""
    language = lang or accepted
    try:
        await service.accept(database, token, language)
    except NotFound as error:
        return _refusal(error, language)
    except ProblemError as error:
        return await _show(database, token, language, error)
    return _back(token, lang)


@router.post(
    "/{token}/decline",
    status_code=303,
    response_class=Response,
    summary="Decline the offer of a page",
    response_description="To the page",
    responses=shows(NotFound) | sends(303, LOCATION),
)
async def decline_on_page(
    _: Anyone, token: Token, database: DatabaseDep, accepted: LanguageDep, lang: Lang = None
) -> Response:
    """The other button: the time is offered to the next customer at once. An accepted offer stays accepted."""
    try:
        await service.decline(database, token)
    except NotFound as error:
        return _refusal(error, lang or accepted)
    return _back(token, lang)


async def _show(database: Database, token: str, language: str, refused: ProblemError | None = None) -> Response:
    try:
        offered = await service.read(database, token)
    except NotFound as error:
        return _refusal(error, language)
    words = texts.WORDS[language]
    title, text = words["states"][offered.state]
    status = service.OfferEnded.status_code if offered.state in ENDED_STATES else 200
    refusals = texts.REFUSALS[language]
    return page(
        "offer_page.html",
        language,
        words | {"title": title, "text": text.format(deadline=service.deadline(offered, language))},
        status=refused.status_code if refused else status,
        offer=service.details(offered, language),
        is_open=offered.state == "open",
        by_hand=offered.confirm_by_hand,
        booking_path=service.booking_path(database, offered),
        refusal=refusals.get(refused.code, refusals["other"]) if refused else None,
        address=f"/offers/{token}",
        query=f"?lang={language}",
    )


def _refusal(error: ProblemError, language: str) -> Response:
    title, text = texts.INVALID[language]
    return notice(language, title, text, status=error.status_code)


def _back(token: str, lang: str | None) -> Response:
    """To the page, which can then be loaded again."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(f"/offers/{token}" + (f"?lang={lang}" if lang else ""), 303, headers)
