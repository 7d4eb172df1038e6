"""Why a new password is refused, or one that is right but too short by now."""

from typing import ClassVar

from shared.errors import Forbidden, RuleBroken, Texts


class PasswordRule(RuleBroken):
    """The new password is too easy to guess."""

    def __init__(self, field: str = "password") -> None:
        super().__init__()
        self.pointer = f"/body/{field}"


class PasswordTooShort(PasswordRule):
    code = "password_too_short"
    title: ClassVar[Texts] = {"da": "Adgangskoden er for kort", "en": "The password is too short"}
    detail: ClassVar[Texts] = {
        "da": "Den skal have mindst 15 tegn, eller 8 med totrinslogin. Tag for eksempel fire tilfældige ord.",
        "en": "It needs at least 15 characters, or 8 with two-factor login. Take four random words, for example.",
    }


class PasswordCommon(PasswordRule):
    code = "password_common"
    title: ClassVar[Texts] = {"da": "Adgangskoden er for almindelig", "en": "The password is too common"}
    detail: ClassVar[Texts] = {
        "da": "Den består mest af ord, som mange bruger. Tag fire tilfældige ord, der ikke hører sammen.",
        "en": "It is made mostly of words that many people use. Take four random words that do not belong together.",
    }


class PasswordOwn(PasswordRule):
    code = "password_own"
    title: ClassVar[Texts] = {"da": "Adgangskoden ligner dig for meget", "en": "The password is too much like you"}
    detail: ClassVar[Texts] = {
        "da": "Den består mest af dit navn eller din e-mail. Vælg noget, ingen kan gætte ud fra dem.",
        "en": "It is made mostly of your name or e-mail. Choose something that nobody can guess from them.",
    }


class PasswordRepeats(PasswordRule):
    code = "password_repeats"
    title: ClassVar[Texts] = {"da": "Adgangskoden gentager sig selv", "en": "The password repeats itself"}
    detail: ClassVar[Texts] = {
        "da": "De samme tegn kommer igen og igen. Tag fire tilfældige ord i stedet.",
        "en": "The same characters come again and again. Take four random words instead.",
    }


class PasswordSequence(PasswordRule):
    code = "password_sequence"
    title: ClassVar[Texts] = {"da": "Adgangskoden følger en rækkefølge", "en": "The password follows a sequence"}
    detail: ClassVar[Texts] = {
        "da": "Tegn i rækkefølge, som 1234 eller qwerty, og datoer er lette at gætte. Tag fire tilfældige ord.",
        "en": "Characters in a row, such as 1234 or qwerty, and dates are easy to guess. Take four random words.",
    }


PASSWORD_RULES = (PasswordTooShort, PasswordCommon, PasswordOwn, PasswordRepeats, PasswordSequence)


class PasswordNeedsSecondFactor(Forbidden):
    """The password is right, but has fewer than 15 characters, and the second factor was switched off."""

    code = "password_needs_second_factor"
    title: ClassVar[Texts] = {"da": "Vælg en længere adgangskode", "en": "Choose a longer password"}
    detail: ClassVar[Texts] = {
        "da": "Uden totrinslogin skal adgangskoden have mindst 15 tegn. Vælg en ny med »Glemt adgangskode«.",
        "en": "Without two-factor login the password needs at least 15 characters. Set a new one by 'Forgot password'.",
    }
