"""HTTP endpoints behind the unsubscribe link of a mail (RFC 8058)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from services.notifications.preferences.service import switch_off
from services.notifications.settings import NotificationsSettings
from services.notifications.unsubscribe import links, page
from services.notifications.unsubscribe.schemas import Switchable
from shared.database.session import transaction
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.identity.access import ANYONE
from shared.identity.principals import SERVICE_CLAIMS, Principal

router = APIRouter(prefix="/api/v1/notifications/unsubscribe")

Anyone = Annotated[Principal | None, ANYONE]
Token = Annotated[str, Path(pattern=links.TOKEN)]


async def _links(request: Request) -> links.UnsubscribeLinks:
    return links.UnsubscribeLinks.of(NotificationsSettings.of(request.app.state.runtime.settings))


Links = Annotated[links.UnsubscribeLinks, Depends(_links)]


@router.get("/{topic}/{token}", response_class=HTMLResponse)
async def ask_to_unsubscribe(
    _: Anyone, topic: Switchable, token: Token, unsubscribe_links: Links, language: LanguageDep
) -> HTMLResponse:
    """Where the link in a mail leads. It asks, since programs that look for malice follow links, too."""
    unsubscribe_links.read(topic, token)
    return HTMLResponse(page.unsubscribe(topic, language, done=False), headers=page.headers(language))


@router.post("/{topic}/{token}", response_class=HTMLResponse)
async def unsubscribe(
    _: Anyone,
    topic: Switchable,
    token: Token,
    unsubscribe_links: Links,
    database: DatabaseDep,
    language: LanguageDep,
) -> HTMLResponse:
    """One click in a mail program, or the page's button: no mails of this kind any more (RFC 8058)."""
    user_id = unsubscribe_links.read(topic, token)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await switch_off(session, user_id, topic, "mail")
    return HTMLResponse(page.unsubscribe(topic, language, done=True), headers=page.headers(language))
