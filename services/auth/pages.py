"""The two pages that mails link to, each one document, in Danish or English. A script takes the token off the link."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from shared.http import pages

FOLDER = Path(__file__).parent / "templates"
TEMPLATES = pages.templates(FOLDER)
OTHER = {
    "da": "Det lykkedes ikke. Prøv igen om lidt.",
    "en": "That did not work. Try again in a moment.",
}
GONE = {
    "da": "Linket er brugt eller for gammelt. Bed om et nyt.",
    "en": "The link was used or is too old. Ask for a new one.",
}
NOSCRIPT = {
    "da": "Siden bruger JavaScript. Slå det til, og åbn linket igen.",
    "en": "This page uses JavaScript. Switch it on and open the link again.",
}


@dataclass(frozen=True)
class Page:
    action: str
    password: bool
    words: dict[str, dict[str, Any]]


VERIFY_EMAIL = Page(
    action="/api/v1/auth/verify-email",
    password=False,
    words={
        "da": {
            "title": "Bekræft din e-mail",
            "intro": "Tryk på knappen for at bekræfte, at adressen er din.",
            "send": "Bekræft",
            "done": "Tak. Din e-mail er bekræftet, og du kan lukke siden.",
            "problems": {},
        },
        "en": {
            "title": "Confirm your e-mail",
            "intro": "Press the button to confirm that the address is yours.",
            "send": "Confirm",
            "done": "Thank you. Your e-mail is confirmed, and you can close this page.",
            "problems": {},
        },
    },
)
RESET_PASSWORD = Page(
    action="/api/v1/auth/reset-password",
    password=True,
    words={
        "da": {
            "title": "Vælg en ny adgangskode",
            "password": "Ny adgangskode",
            "hint": "Mindst 8 tegn. Gerne nogle ord, som kun du ville sætte sammen.",
            "send": "Gem adgangskoden",
            "done": "Din adgangskode er skiftet, og du er logget ud overalt. Log ind med den nye.",
            "problems": {
                "password_length": "Adgangskoden skal have mellem 8 og 128 tegn.",
                "password_common": "Den adgangskode bruger for mange andre. Vælg en anden.",
            },
        },
        "en": {
            "title": "Choose a new password",
            "password": "New password",
            "hint": "At least 8 characters. Some words that only you would put together are good.",
            "send": "Save the password",
            "done": "Your password is changed, and you are signed out everywhere. Sign in with the new one.",
            "problems": {
                "password_length": "The password must have 8 to 128 characters.",
                "password_common": "Too many others use that password. Choose another.",
            },
        },
    },
)


@lru_cache
def _inline(name: str) -> str:
    return (FOLDER / name).read_text()


@lru_cache
def render(page_name: str, language: str) -> str:
    page = {"verify-email": VERIFY_EMAIL, "reset-password": RESET_PASSWORD}[page_name]
    words = page.words[language]
    problems = words["problems"] | {"invalid_token": GONE[language], "other": OTHER[language]}
    return TEMPLATES.get_template("account.html").render(
        page=page,
        language=language,
        words=words | {"problems": problems, "noscript": NOSCRIPT[language]},
        script=Markup(_inline("page.js")),  # noqa: S704 - a file of our own
    )


@lru_cache
def headers(language: str) -> dict[str, str]:
    """The link holds a secret: nobody is told where one came from."""
    return pages.headers(language, script=_inline("page.js"), referrer="no-referrer")
