"""Endpoints of the pages that mails link to."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.auth.account_pages import pages
from services.auth.dependencies import Anyone
from shared.http.dependencies import LanguageDep
from shared.openapi.operations import CACHE_CONTROL, sends

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
Lang = Annotated[Literal["da", "en"] | None, Query()]


def _page(name: str, language: str) -> HTMLResponse:
    return HTMLResponse(pages.render(name, language), headers=pages.headers(language))


@router.get("/account/verify-email", summary="Page to verify an e-mail address", responses=sends(200, CACHE_CONTROL))
async def verify_email_page(_: Anyone, accepted: LanguageDep, lang: Lang = None) -> HTMLResponse:
    """The link of a verification mail leads here. The token is in the fragment, which browsers do not send."""
    return _page("verify-email", lang or accepted)


@router.get(
    "/account/confirm-email", summary="Page to confirm a new e-mail address", responses=sends(200, CACHE_CONTROL)
)
async def confirm_email_page(_: Anyone, accepted: LanguageDep, lang: Lang = None) -> HTMLResponse:
    """The link of a mail to a new address leads here. The token is in the fragment, which browsers do not send."""
    return _page("confirm-email", lang or accepted)


@router.get("/account/reset-password", summary="Page to set a new password", responses=sends(200, CACHE_CONTROL))
async def reset_password_page(_: Anyone, accepted: LanguageDep, lang: Lang = None) -> HTMLResponse:
    """The link of a password mail leads here, both for a forgotten password and for a user's first one."""
    return _page("reset-password", lang or accepted)
