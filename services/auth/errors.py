from typing import ClassVar

from shared.errors import Conflict, RuleBroken, Texts, Unauthorized


class InvalidCredentials(Unauthorized):
    code = "invalid_credentials"
    title: ClassVar[Texts] = {"da": "Forkert e-mail eller adgangskode", "en": "Wrong e-mail or password"}
    detail: ClassVar[Texts] = {
        "da": "Tjek e-mail og adgangskode, og prøv igen.",
        "en": "Check the e-mail and the password and try again.",
    }


class InvalidRefreshToken(Unauthorized):
    code = "invalid_refresh_token"
    title: ClassVar[Texts] = {"da": "Sessionen er slut", "en": "The session has ended"}
    detail: ClassVar[Texts] = {"da": "Log ind igen.", "en": "Sign in again."}


class LastAdmin(Conflict):
    code = "last_admin"
    title: ClassVar[Texts] = {"da": "Den sidste administrator", "en": "The last admin"}
    detail: ClassVar[Texts] = {
        "da": "Gør først en anden til administrator.",
        "en": "Make somebody else an admin first.",
    }


class AddressTaken(Conflict):
    code = "address_taken"
    title: ClassVar[Texts] = {"da": "Adressen er i brug", "en": "The address is in use"}
    detail: ClassVar[Texts] = {
        "da": "Der findes allerede en bruger med den e-mail.",
        "en": "A user with that e-mail exists already.",
    }


class InvalidPhone(RuleBroken):
    code = "invalid_phone"
    detail: ClassVar[Texts] = {
        "da": "Telefonnummeret er ikke gyldigt. Skriv det med landekode, hvis det ikke er dansk.",
        "en": "The phone number is not valid. Give the country code unless it is Danish.",
    }
