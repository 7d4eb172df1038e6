"""HTTP endpoints behind the unsubscribe link of a mail (RFC 8058)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from services.notifications.preferences.service import switch_off
from services.notifications.settings import NotificationsSettings
from services.notifications.unsubscribe import page
from services.notifications.unsubscribe.links import TOKEN, UnsubscribeLinks
from shared.database.session import transaction
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.identity.access import ANYONE
from shared.identity.principals import SERVICE_CLAIMS, Principal

router = APIRouter(prefix="/api/v1/notifications/unsubscribe")

Anyone = Annotated[Principal | None, ANYONE]
Topic = Literal["reminder", "service", "marketing"]  # those that can be switched off
Token = Annotated[
    str, Path(pattern=TOKEN, examples=["AZa2oHweewKdCj9vDxwrBOP7xYt0hLJt0b1q3sVd0aA5hZ3cX8mJ7fQ1Tn4vLk6b"])
]


async def _links(request: Request) -> UnsubscribeLinks:
    return UnsubscribeLinks.of(NotificationsSettings.of(request.app.state.runtime.settings))


Links = Annotated[UnsubscribeLinks, Depends(_links)]


@router.get("/{topic}/{token}", response_class=HTMLResponse, summary="Show the page behind an unsubscribe link")
async def ask_to_unsubscribe(
    _: Anyone, topic: Topic, token: Token, links: Links, language: LanguageDep
) -> HTMLResponse:
    """The page only asks and changes nothing, because mail scanners follow the links in a mail."""
    links.verify(topic, token)
    return HTMLResponse(page.render_page(topic, language, done=False), headers=page.headers(language))


@router.post("/{topic}/{token}", response_class=HTMLResponse, summary="Unsubscribe from mails of one topic")
async def unsubscribe(
    _: Anyone, topic: Topic, token: Token, links: Links, database: DatabaseDep, language: LanguageDep
) -> HTMLResponse:
    """Called by the button of the page, and by the one-click unsubscribe of a mail program (RFC 8058)."""
    user_id = links.verify(topic, token)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await switch_off(session, user_id, topic, "mail")
    return HTMLResponse(page.render_page(topic, language, done=True), headers=page.headers(language))
