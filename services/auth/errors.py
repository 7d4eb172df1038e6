"""The errors that endpoints of auth raise, beside those in shared/errors.py."""

from typing import ClassVar

from shared.errors import Conflict, Forbidden, RuleBroken, Texts, Unauthorized


class InvalidCredentials(Unauthorized):
    code = "invalid_credentials"
    title: ClassVar[Texts] = {"da": "Forkert e-mail eller adgangskode", "en": "Wrong e-mail or password"}
    detail: ClassVar[Texts] = {
        "da": "Tjek e-mail og adgangskode, og prøv igen. Er du ny her, så åbn først linket i mailen fra os.",
        "en": "Check the e-mail and the password and try again. If you are new here, first open the link in our mail.",
    }


class InvalidRefreshToken(Unauthorized):
    code = "invalid_refresh_token"
    title: ClassVar[Texts] = {"da": "Du er logget ud", "en": "You are signed out"}
    detail: ClassVar[Texts] = {"da": "Log ind igen.", "en": "Sign in again."}


class AccountAltered(Conflict):
    code = "account_altered"
    title: ClassVar[Texts] = {"da": "Kontoen kan ikke ændres", "en": "The account cannot be changed"}
    detail: ClassVar[Texts] = {
        "da": "Kontoen er ændret uden om systemet og er spærret. Kontakt den, der driver systemet.",
        "en": "The account was changed past this system and is blocked. Contact whoever runs the system.",
    }


class LastAdmin(Conflict):
    code = "last_admin"
    title: ClassVar[Texts] = {"da": "Den sidste administrator", "en": "The last admin"}
    detail: ClassVar[Texts] = {
        "da": "Gør først en anden til administrator.",
        "en": "Make another user an admin first.",
    }


class CustomersOnly(Forbidden):
    code = "customers_only"
    title: ClassVar[Texts] = {"da": "Det kræver en administrator", "en": "This needs an admin"}
    detail: ClassVar[Texts] = {
        "da": "Du kan oprette kunder og rette deres navn, telefonnummer og sprog. Bed en administrator om resten.",
        "en": "You can add customers and correct their name, phone number and language. Ask an admin for the rest.",
    }


class AddressTaken(Conflict):
    code = "address_taken"
    title: ClassVar[Texts] = {"da": "E-mailen er allerede i brug", "en": "The e-mail is in use already"}
    detail: ClassVar[Texts] = {
        "da": "Der er allerede en bruger med den e-mail.",
        "en": "There is already a user with this e-mail.",
    }


class AddressUnchanged(RuleBroken):
    code = "address_unchanged"
    title: ClassVar[Texts] = {"da": "Det er din adresse", "en": "This is your address"}
    detail: ClassVar[Texts] = {
        "da": "Du bruger allerede den e-mail. Skriv den nye.",
        "en": "You use this e-mail already. Enter the new one.",
    }
    pointer = "/body/email"


class UnmailableAddress(RuleBroken):
    code = "unmailable_address"
    title: ClassVar[Texts] = {"da": "Adressen kan ikke få mails", "en": "The address cannot be mailed"}
    detail: ClassVar[Texts] = {
        "da": "Vi kan ikke sende mails til adresser med æ, ø, å eller andre særlige tegn foran @. Brug en anden.",
        "en": "We cannot send mails to addresses with æ, ø, å or other special characters before the @. Use another.",
    }
    pointer = "/body/email"


class InvalidCsrfToken(Forbidden):
    code = "invalid_csrf_token"
    title: ClassVar[Texts] = {"da": "Siden er forældet", "en": "The page is out of date"}
    detail: ClassVar[Texts] = {"da": "Genindlæs siden, og prøv igen.", "en": "Reload the page and try again."}


class CodeNeeded(Unauthorized):
    code = "mfa_required"
    title: ClassVar[Texts] = {"da": "Indtast din kode", "en": "Enter your code"}
    detail: ClassVar[Texts] = {
        "da": "Log ind igen med en kode fra din app eller en gendannelseskode.",
        "en": "Sign in again with a code from your app or a recovery code.",
    }


class WrongPassword(RuleBroken):
    """The caller is signed in, but the password entered again is wrong."""

    code = "wrong_password"
    title: ClassVar[Texts] = {"da": "Forkert adgangskode", "en": "Wrong password"}
    detail: ClassVar[Texts] = {
        "da": "Adgangskoden er ikke rigtig. Prøv igen.",
        "en": "The password is not right. Try again.",
    }

    def __init__(self, field: str = "password") -> None:
        super().__init__()
        self.pointer = f"/body/{field}"


class WrongCode(RuleBroken):
    """The caller is signed in, but the code of the second factor is wrong."""

    code = "wrong_code"
    title: ClassVar[Texts] = {"da": "Forkert kode", "en": "Wrong code"}
    detail: ClassVar[Texts] = {
        "da": "Koden er forkert eller allerede brugt. Vent på en ny i din app, og prøv igen.",
        "en": "The code is wrong or was used already. Wait for a new one in your app and try again.",
    }
    pointer = "/body/code"


class InvalidCode(Unauthorized):
    code = "invalid_code"
    title: ClassVar[Texts] = {
        "da": "Koden er forkert eller allerede brugt",
        "en": "The code is wrong or was used already",
    }
    detail: ClassVar[Texts] = {
        "da": "Vent på en ny kode i din app, og prøv igen.",
        "en": "Wait for a new code in your app and try again.",
    }


class InvalidLoginCode(Unauthorized):
    code = "invalid_login_code"
    title: ClassVar[Texts] = {"da": "Koden virker ikke", "en": "The code does not work"}
    detail: ClassVar[Texts] = {
        "da": "Brug koden i den nyeste mail i den browser, du bad om den i. Virker den ikke, så bed om en ny.",
        "en": "Use the code of the newest mail in the browser that asked for it. If it fails, ask for a new one.",
    }


class ReauthenticationNeeded(Forbidden):
    code = "reauthentication_required"
    title: ClassVar[Texts] = {"da": "Bekræft med din adgangskode", "en": "Confirm with your password"}
    detail: ClassVar[Texts] = {
        "da": "Det er over ti minutter siden, du loggede ind. Indtast din adgangskode, eller log ind igen.",
        "en": "You signed in more than ten minutes ago. Enter your password or sign in again.",
    }


class MfaOn(Conflict):
    code = "mfa_on"
    detail: ClassVar[Texts] = {
        "da": "Totrinslogin er allerede slået til. Slå det fra først.",
        "en": "Two-factor login is already on. Switch it off first.",
    }


class MfaOff(Conflict):
    code = "mfa_off"
    detail: ClassVar[Texts] = {
        "da": "Totrinslogin er ikke sat op. Begynd med /mfa/enroll.",
        "en": "Two-factor login is not set up. Start with /mfa/enroll.",
    }


class OwnMfa(Conflict):
    code = "own_mfa"
    detail: ClassVar[Texts] = {
        "da": "Slå dit eget totrinslogin fra med en kode, eller bed en anden administrator om det.",
        "en": "Switch your own two-factor login off with a code, or ask another admin.",
    }


class InvalidPasskey(Unauthorized):
    code = "invalid_passkey"
    title: ClassVar[Texts] = {"da": "Adgangsnøglen virkede ikke", "en": "The passkey did not work"}
    detail: ClassVar[Texts] = {
        "da": "Prøv igen, eller log ind på en anden måde.",
        "en": "Try again, or sign in another way.",
    }


class PasskeyRefused(RuleBroken):
    code = "passkey_refused"
    title: ClassVar[Texts] = {"da": "Adgangsnøglen blev ikke tilføjet", "en": "The passkey was not added"}
    detail: ClassVar[Texts] = {
        "da": "Svaret fra din enhed passer ikke, kom for sent eller er brugt før. Begynd forfra.",
        "en": "The answer of your device does not fit, came too late or was used before. Start again.",
    }
    pointer = "/body/credential"


class PasskeyLimit(Conflict):
    code = "passkey_limit"
    title: ClassVar[Texts] = {"da": "Du har for mange adgangsnøgler", "en": "You have too many passkeys"}
    detail: ClassVar[Texts] = {
        "da": "Du kan have 20. Slet først en, du ikke bruger.",
        "en": "You can have 20. Remove one that you do not use first.",
    }


class InvalidOneTimeToken(RuleBroken):
    code = "invalid_token"
    title: ClassVar[Texts] = {"da": "Linket virker ikke", "en": "The link does not work"}
    detail: ClassVar[Texts] = {
        "da": "Linket er allerede brugt eller for gammelt. Bed om et nyt.",
        "en": "The link was used already or is too old. Ask for a new one.",
    }


class OtherBrowser(RuleBroken):
    code = "other_browser"
    title: ClassVar[Texts] = {
        "da": "Linket virker ikke i denne browser",
        "en": "The link does not work in this browser",
    }
    detail: ClassVar[Texts] = {
        "da": "Åbn linket i den browser, hvor du bad om at skifte e-mail. Var det ikke dig, så luk siden.",
        "en": "Open the link in the browser in which you asked for the change. If it was not you, close this page.",
    }


class Erased(Conflict):
    code = "erased"
    detail: ClassVar[Texts] = {
        "da": "Personens oplysninger er slettet, så brugeren kan ikke ændres eller aktiveres igen.",
        "en": "The personal data was erased, so this user cannot be changed or reactivated.",
    }
