"""The pages that mails link to, each one HTML document. A script takes the token from the link's fragment."""

from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from domain import pages
from services.auth.account_pages.texts import (
    CONFIRM_EMAIL,
    FAILED,
    INVALID_LINK,
    NOSCRIPT,
    RESET_PASSWORD,
    VERIFY_EMAIL,
)

FOLDER = Path(__file__).parents[1] / "templates"
TEMPLATES = pages.templates(FOLDER)
PAGES = {"verify-email": VERIFY_EMAIL, "reset-password": RESET_PASSWORD, "confirm-email": CONFIRM_EMAIL}


@lru_cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text()


@lru_cache
def render(page_name: str, language: str) -> str:
    page = PAGES[page_name]
    words = page.words[language]
    problems = words["problems"] | {"invalid_token": INVALID_LINK[language], "other": FAILED[language]}
    return TEMPLATES.get_template("account.html").render(
        page=page,
        language=language,
        words=words | {"problems": problems, "noscript": NOSCRIPT[language]},
        script=Markup(_read("page.js")),  # noqa: S704 - a file of our own
    )


@lru_cache
def headers(language: str) -> dict[str, str]:
    """The link holds a secret, so the browser sends no Referer from these pages."""
    return pages.headers(language, script=_read("page.js"), referrer="no-referrer")
