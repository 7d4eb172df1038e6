"""Texts of the account pages, in Danish and English."""

from dataclasses import dataclass
from typing import Any

from services.auth.errors import OtherBrowser
from services.auth.passwords.refusals import PASSWORD_RULES

FAILED = {
    "da": "Noget gik galt. Prøv igen om lidt.",
    "en": "Something went wrong. Try again in a moment.",
}
INVALID_LINK = {
    "da": "Linket er allerede brugt eller for gammelt. Bed om et nyt.",
    "en": "The link was used already or is too old. Ask for a new one.",
}
NOSCRIPT = {
    "da": "Siden bruger JavaScript. Slå det til, og åbn linket igen.",
    "en": "This page uses JavaScript. Switch it on and open the link again.",
}


@dataclass(frozen=True)
class Page:
    """`action`: where the form is sent. `password`: whether it asks for a new one. `words`: the texts by language."""

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
            "done": "Tak! Din e-mail er bekræftet, og du kan lukke siden nu. Virker din adgangskode ikke, så log ind "
            "med et link i en mail.",
            "problems": {},
        },
        "en": {
            "title": "Confirm your e-mail",
            "intro": "Press the button to confirm that the address is yours.",
            "send": "Confirm",
            "done": "Thank you! Your e-mail is confirmed, and you can close this page now. If your password does not "
            "work, sign in with a link in a mail.",
            "problems": {},
        },
    },
)
CONFIRM_EMAIL = Page(
    action="/api/v1/auth/confirm-email",
    password=False,
    words={
        "da": {
            "title": "Bekræft din nye e-mail",
            "intro": "Tryk på knappen for at skifte til denne e-mail. Fremover logger du ind med den.",
            "send": "Skift e-mail",
            "done": "Tak! Din e-mail er skiftet. Du kan lukke siden nu.",
            "problems": {OtherBrowser.code: OtherBrowser.detail["da"]},
        },
        "en": {
            "title": "Confirm your new e-mail",
            "intro": "Press the button to change to this e-mail. From then on you sign in with it.",
            "send": "Change the e-mail",
            "done": "Thank you! Your e-mail was changed. You can close this page now.",
            "problems": {OtherBrowser.code: OtherBrowser.detail["en"]},
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
            "hint": "Mindst 15 tegn, eller 8 med totrinslogin. Vælg for eksempel fire tilfældige ord.",
            "send": "Gem adgangskoden",
            "done": "Din adgangskode er ændret, og du er logget ud på alle enheder. Log ind med den nye.",
            "problems": {
                "password_length": "Adgangskoden skal være på mellem 8 og 128 tegn.",
                **{rule.code: rule.detail["da"] for rule in PASSWORD_RULES},
            },
        },
        "en": {
            "title": "Choose a new password",
            "password": "New password",
            "hint": "At least 15 characters, or 8 with two-factor login. Choose, for example, four random words.",
            "send": "Save the password",
            "done": "Your password was changed, and you are signed out on all devices. Sign in with the new one.",
            "problems": {
                "password_length": "The password must have 8 to 128 characters.",
                **{rule.code: rule.detail["en"] for rule in PASSWORD_RULES},
            },
        },
    },
)
