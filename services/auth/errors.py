from typing import ClassVar

from shared.errors import Conflict, Forbidden, ProblemError, RuleBroken, Texts, Unauthorized


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


class InvalidCsrfToken(Forbidden):
    code = "invalid_csrf_token"
    title: ClassVar[Texts] = {"da": "CSRF-tokenet passer ikke", "en": "The CSRF token does not fit"}
    detail: ClassVar[Texts] = {
        "da": "Send sessionens csrf_token i headeren X-CSRF-Token.",
        "en": "Send the session's csrf_token in the header X-CSRF-Token.",
    }


class CodeNeeded(Unauthorized):
    code = "mfa_required"
    title: ClassVar[Texts] = {"da": "Der mangler en kode", "en": "A code is needed"}
    detail: ClassVar[Texts] = {
        "da": "Log ind igen med en code fra din app, eller med en gendannelseskode.",
        "en": "Sign in again with a code from your app, or with a recovery code.",
    }


class InvalidCode(Unauthorized):
    code = "invalid_code"
    title: ClassVar[Texts] = {"da": "Koden er forkert eller brugt", "en": "The code is wrong or used"}
    detail: ClassVar[Texts] = {
        "da": "Vent på en ny kode i din app, og prøv igen.",
        "en": "Wait for a new code in your app and try again.",
    }


class ReauthenticationNeeded(Unauthorized):
    code = "reauthentication_required"
    title: ClassVar[Texts] = {"da": "Bekræft med din adgangskode", "en": "Confirm with your password"}
    detail: ClassVar[Texts] = {
        "da": "Det er over ti minutter siden, du loggede ind. Send din password med, eller log ind igen.",
        "en": "You signed in more than ten minutes ago. Send your password along, or sign in again.",
    }


class MfaOn(Conflict):
    code = "mfa_on"
    detail: ClassVar[Texts] = {
        "da": "Totrinslogin er slået til allerede. Slå det fra først.",
        "en": "The second factor is on already. Switch it off first.",
    }


class MfaOff(Conflict):
    code = "mfa_off"
    detail: ClassVar[Texts] = {
        "da": "Der er intet at bekræfte eller slå fra. Begynd med enroll.",
        "en": "There is nothing to confirm or to switch off. Begin with enroll.",
    }


class OwnMfa(Conflict):
    code = "own_mfa"
    detail: ClassVar[Texts] = {
        "da": "Slå dit eget totrinslogin fra med en kode, eller bed en anden administrator.",
        "en": "Switch your own second factor off with a code, or ask another admin.",
    }


class InvalidOneTimeToken(RuleBroken):
    code = "invalid_token"
    title: ClassVar[Texts] = {"da": "Linket virker ikke", "en": "The link does not work"}
    detail: ClassVar[Texts] = {
        "da": "Linket er brugt eller for gammelt. Bed om et nyt.",
        "en": "The link was used or is too old. Ask for a new one.",
    }


class Erased(Conflict):
    code = "erased"
    detail: ClassVar[Texts] = {
        "da": "Personen bag brugeren er slettet.",
        "en": "The person behind this user was erased.",
    }


class VersionNeeded(ProblemError):
    status_code = 428
    code = "version_needed"
    title: ClassVar[Texts] = {"da": "If-Match mangler", "en": "If-Match is missing"}
    detail: ClassVar[Texts] = {
        "da": "Send ETag fra den udgave, du ændrer, i If-Match.",
        "en": "Send the ETag of the version you change in If-Match.",
    }
