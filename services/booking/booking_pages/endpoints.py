"""The page of one booking, which mails and SMS link to. It works without an account and without JavaScript."""

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.clock import to_copenhagen
from services.booking.booking_pages import entry, links, service, texts
from services.booking.booking_pages.links import FormToken, LinkEnded, Token
from services.booking.dependencies import Visitor as Anyone
from services.booking.errors import UNBOOKABLE, AlreadyStarted, WindowPassed, WrongStatus
from services.booking.pages.layout import Lang, notice, page, shows
from shared.database.session import Database
from shared.errors import NotFound, ProblemError, RuleBroken, StaleVersion
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.openapi.operations import CACHE_CONTROL, LOCATION, sends

router = APIRouter(prefix="/bookings")

Done = Literal["moved", "requested", "cancelled"]
REFUSED = (NotFound, LinkEnded)
UNMOVED: tuple[type[ProblemError], ...] = (
    *(NotFound, LinkEnded, RuleBroken, StaleVersion, WrongStatus, AlreadyStarted, WindowPassed),
    *UNBOOKABLE,
)
CALENDAR: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
}


@router.get(
    "/{booking_id}.ics",
    response_class=Response,
    summary="Calendar file of one booking, by the link of a mail",
    responses=shows(*REFUSED) | {200: {"content": {"text/calendar": CALENDAR}, **sends(200, CACHE_CONTROL)[200]}},
)
async def get_booking_file(
    _: Anyone, booking_id: str, database: DatabaseDep, accepted: LanguageDep, token: Token = "", lang: Lang = None
) -> Response:
    """RFC 5545. Its entry has the id of the invitations in mails, so that a calendar keeps one of them."""
    language = lang or accepted
    try:
        visitor = await links.let_in(database, booking_id, token)
    except REFUSED as error:
        return _refusal(error, language)
    shown = await service.read(database, visitor, language)
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Content-Language": language}
    return Response(
        entry.write(shown, visitor.booking_id, language),
        headers=headers | {"Content-Disposition": 'attachment; filename="appointment.ics"'},
        media_type="text/calendar",
    )


@router.get(
    "/{booking_id}",
    response_class=HTMLResponse,
    summary="Page of one booking, by the link of a mail",
    responses=shows(*REFUSED) | sends(200, CACHE_CONTROL),
)
async def show_booking_page(
    _: Anyone,
    booking_id: str,
    database: DatabaseDep,
    accepted: LanguageDep,
    token: Token = "",
    lang: Lang = None,
    since: Annotated[str, Query(alias="from", max_length=10, examples=["2026-12-14"])] = "",
    done: Annotated[Done | None, Query()] = None,
) -> Response:
    """Shows the booking to whoever has its link, until the day after the appointment. Nothing is changed."""
    return await _show(database, booking_id, token, lang or accepted, since=since, message=done)


@router.post(
    "/{booking_id}/cancel",
    status_code=303,
    response_class=Response,
    summary="Cancel the booking of a page",
    response_description="To the page",
    responses=shows(*REFUSED, WrongStatus, AlreadyStarted) | sends(303, LOCATION),
)
async def cancel_on_page(
    _: Anyone, booking_id: str, database: DatabaseDep, accepted: LanguageDep, token: FormToken = "", lang: Lang = None
) -> Response:
    """The button of the page. By the rules for customers."""
    language = lang or accepted
    try:
        visitor = await links.let_in(database, booking_id, token)
        await service.cancel(database, visitor, language)
    except REFUSED as error:
        return _refusal(error, language)
    except ProblemError as error:
        return await _show(database, booking_id, token, language, message=error.code, status=error.status_code)
    return _back(booking_id, token, "cancelled", lang)


@router.post(
    "/{booking_id}/move",
    status_code=303,
    response_class=Response,
    summary="Move the booking of a page",
    response_description="To the page",
    responses=shows(*UNMOVED) | sends(303, LOCATION),
)
async def move_on_page(
    _: Anyone,
    booking_id: str,
    database: DatabaseDep,
    accepted: LanguageDep,
    token: FormToken = "",
    start: Annotated[str, Form(max_length=40, examples=["2026-09-15T10:00:00Z"])] = "",
    version: Annotated[str, Form(max_length=10, examples=["1"])] = "",
    lang: Lang = None,
) -> Response:
    """The button of the page: moves the start. By the rules for customers."""
    language = lang or accepted
    try:
        visitor = await links.let_in(database, booking_id, token)
        status = await service.move(database, visitor, start, version, language)
    except REFUSED as error:
        return _refusal(error, language)
    except ProblemError as error:
        return await _show(database, booking_id, token, language, message=error.code, status=error.status_code)
    return _back(booking_id, token, "requested" if status == "pending" else "moved", lang)


async def _show(
    database: Database,
    booking_id: str,
    token: str,
    language: str,
    *,
    since: str = "",
    message: str | None = None,
    status: int = 200,
) -> Response:
    try:
        visitor = await links.let_in(database, booking_id, token)
    except REFUSED as error:
        return _refusal(error, language)
    shown = await service.read(database, visitor, language)
    today = to_copenhagen(shown.now).date()
    first = max(_day(since) or today, today)
    days = await service.free_times(database, visitor, shown, first, language) if shown.movable else []
    words = texts.WORDS[language]
    return page(
        "booking_page.html",
        language,
        words,
        status=status,
        booking=service.details(shown, language),
        salon=shown.salon,
        is_open=shown.is_open,
        movable=shown.movable,
        days=days,
        window=words["window" if shown.salon["cancellation_window_hours"] else "no_window"].format(
            hours=shown.salon["cancellation_window_hours"]
        ),
        message=_text(message, shown, language),
        failed=status != 200,
        id=visitor.booking_id,
        token=token,
        version=shown.booking["version"],
        later=first + service.SHOWN_DAYS,
        earlier=max(first - service.SHOWN_DAYS, today) if first > today else None,
    )


def _text(message: str | None, shown: service.Shown, language: str) -> str | None:
    """None for what has been overtaken, such as by the salon's confirmation."""
    meant_for = {"requested": "pending", "cancelled": "cancelled"}
    if message is None or meant_for.get(message, shown.booking["status"]) != shown.booking["status"]:
        return None
    return texts.MESSAGES[language].get(message, texts.MESSAGES[language]["other"])


def _day(text: str) -> date | None:
    """None for anything that is no date of the next years: the page then begins today."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2099 else None


def _refusal(error: ProblemError, language: str) -> Response:
    title, text = (texts.ENDED if isinstance(error, LinkEnded) else texts.INVALID)[language]
    return notice(language, title, text, status=error.status_code)


def _back(booking_id: str, token: str, done: Done, lang: str | None) -> Response:
    """To the page, which can then be loaded again without doing the same twice."""
    query = {"token": token, "done": done} | ({"lang": lang} if lang else {})
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(f"/bookings/{booking_id}?{urlencode(query)}", 303, headers)
