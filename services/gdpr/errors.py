"""Errors of the gdpr service, with the texts that callers read."""

from typing import Any, ClassVar

from shared.errors import Conflict, Forbidden, RuleBroken, Texts


class LastAdmin(Conflict):
    code = "last_admin"
    title: ClassVar[Texts] = {"da": "Den sidste administrator", "en": "The last admin"}
    detail: ClassVar[Texts] = {
        "da": "Gør først en anden til administrator. Ellers kan ingen administrere salonen.",
        "en": "Make another person an admin first. Otherwise nobody can manage the salon.",
    }


class ErasureRunning(Conflict):
    code = "erasure_running"
    title: ClassVar[Texts] = {"da": "Sletningen er i gang", "en": "The erasure is running"}
    detail: ClassVar[Texts] = {
        "da": "Dine oplysninger er ved at blive slettet, så du kan ikke længere fortryde.",
        "en": "Your data is being erased, so you cannot withdraw any more.",
    }


class LoginTooOld(Forbidden):
    code = "reauthentication_required"
    title: ClassVar[Texts] = {"da": "Log ind igen", "en": "Sign in again"}
    detail: ClassVar[Texts] = {
        "da": "Det er over fem minutter siden, du loggede ind. Log ind igen, før du sletter din konto.",
        "en": "You signed in more than five minutes ago. Sign in again before you erase your account.",
    }


class UpcomingDuty(Conflict):
    code = "upcoming_duty"
    fields: ClassVar[dict[str, Any]] = {
        "appointments": {"type": "integer", "examples": [3]},
        "end": {"type": "string", "format": "date-time"},
    }
    title: ClassVar[Texts] = {"da": "Kommende aftaler", "en": "Upcoming appointments"}
    detail: ClassVar[Texts] = {
        "da": "Personen har {appointments} kommende aftaler som behandler. Flyt eller aflys dem først.",
        "en": "The person is the loctician of {appointments} upcoming appointments. Move or cancel them first.",
    }


class ConsentTextChanged(Conflict):
    code = "consent_text_changed"
    title: ClassVar[Texts] = {"da": "Teksten er ændret", "en": "The text has changed"}
    detail: ClassVar[Texts] = {
        "da": "Hent den nyeste tekst, og spørg igen. Et samtykke gælder kun den tekst, personen har læst.",
        "en": "Fetch the newest text and ask again. Consent covers only the text that the person has read.",
    }


class UnknownPurpose(RuleBroken):
    code = "unknown_purpose"
    fields: ClassVar[dict[str, Any]] = {"purpose": {"type": "string", "examples": ["marketing"]}}
    detail: ClassVar[Texts] = {
        "da": "Der kan ikke gives samtykke til {purpose}.",
        "en": "There is no consent for {purpose}.",
    }


class UnknownPolicy(RuleBroken):
    code = "unknown_policy"
    fields: ClassVar[dict[str, Any]] = {
        "service": {"type": "string", "examples": ["booking"]},
        "policy": {"type": "string", "examples": ["bookings"]},
    }
    detail: ClassVar[Texts] = {
        "da": "{service} har ingen regel, der hedder {policy}.",
        "en": "{service} has no policy called {policy}.",
    }


class KeepOutOfBounds(RuleBroken):
    code = "keep_out_of_bounds"
    fields: ClassVar[dict[str, Any]] = {
        "policy": {"type": "string", "examples": ["bookings"]},
        "least": {"type": "integer", "examples": [365]},
        "most": {"type": "integer", "examples": [3650]},
    }
    detail: ClassVar[Texts] = {
        "da": "{policy} skal gemmes mellem {least} og {most} dage.",
        "en": "{policy} must be kept for {least} to {most} days.",
    }
