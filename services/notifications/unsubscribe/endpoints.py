"""HTTP endpoints behind the unsubscribe link of a mail (RFC 8058)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from services.notifications.preferences.service import switch_off
from services.notifications.settings import NotificationsSettings
from services.notifications.unsubscribe import page
from services.notifications.unsubscribe.links import UnsubscribeLinks
from shared.database.session import transaction
from shared.errors import NotFound
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.identity.access import ANYONE
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.openapi.operations import Responses, raises

router = APIRouter(prefix="/api/v1/notifications/unsubscribe")

Anyone = Annotated[Principal | None, ANYONE]
Topic = Literal["reminder", "service", "marketing"]  # those that can be switched off
Token = Annotated[
    str, Path(max_length=200, examples=["AZa2oHweewKdCj9vDxwrBOP7xYt0hLJt0b1q3sVd0aA5hZ3cX8mJ7fQ1Tn4vLk6b"])
]


async def _links(request: Request) -> UnsubscribeLinks:
    return UnsubscribeLinks.of(NotificationsSettings.of(request.app.state.runtime.settings))


INVALID: Responses = {404: raises(NotFound)[404] | {"content": {"text/html": {"schema": {"type": "string"}}}}}
Links = Annotated[UnsubscribeLinks, Depends(_links)]


@router.get(
    "/{topic}/{token}",
    response_class=HTMLResponse,
    summary="Show the page behind an unsubscribe link",
    responses=INVALID,
)
async def ask_to_unsubscribe(
    _: Anyone, topic: Topic, token: Token, links: Links, language: LanguageDep
) -> HTMLResponse:
    """The page only asks and changes nothing, because mail scanners follow the links in a mail."""
    try:
        links.verify(topic, token)
    except NotFound:
        return _invalid(language)
    return HTMLResponse(page.render_page(topic, language, done=False), headers=page.headers(language))


@router.post(
    "/{topic}/{token}", response_class=HTMLResponse, summary="Unsubscribe from mails of one topic", responses=INVALID
)
async def unsubscribe(
    _: Anyone, topic: Topic, token: Token, links: Links, database: DatabaseDep, language: LanguageDep
) -> HTMLResponse:
    """Called by the button of the page, and by the one-click unsubscribe of a mail program (RFC 8058)."""
    try:
        user_id = links.verify(topic, token)
    except NotFound:
        return _invalid(language)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await switch_off(session, user_id, topic, "mail")
    return HTMLResponse(page.render_page(topic, language, done=True), headers=page.headers(language))


def _invalid(language: str) -> HTMLResponse:
    """For people whose mail program has cut the link off."""
    return HTMLResponse(page.render_invalid(language), NotFound.status_code, page.headers(language))
