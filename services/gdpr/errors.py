"""Errors of the gdpr service, with the texts that callers read."""

from typing import ClassVar

from shared.errors import Conflict, RuleBroken, Texts


class LastAdmin(Conflict):
    code = "last_admin"
    title: ClassVar[Texts] = {"da": "Den sidste administrator", "en": "The last admin"}
    detail: ClassVar[Texts] = {
        "da": "Gør først en anden til administrator. Ellers kan ingen administrere salonen.",
        "en": "Make another person an admin first. Otherwise nobody can manage the salon.",
    }


class UpcomingDuty(Conflict):
    code = "upcoming_duty"
    title: ClassVar[Texts] = {"da": "Kommende aftaler", "en": "Upcoming appointments"}
    detail: ClassVar[Texts] = {
        "da": "Personen har {count} kommende aftaler som behandler. Flyt eller aflys dem først.",
        "en": "The person is the loctician of {count} upcoming appointments. Move or cancel them first.",
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
    detail: ClassVar[Texts] = {
        "da": "Der kan ikke gives samtykke til {purpose}.",
        "en": "There is no consent for {purpose}.",
    }


class UnknownPolicy(RuleBroken):
    code = "unknown_policy"
    detail: ClassVar[Texts] = {
        "da": "{service} har ingen regel, der hedder {policy}.",
        "en": "{service} has no policy called {policy}.",
    }


class KeepOutOfBounds(RuleBroken):
    code = "keep_out_of_bounds"
    detail: ClassVar[Texts] = {
        "da": "{policy} skal gemmes mellem {least} og {most} dage.",
        "en": "{policy} must be kept for {least} to {most} days.",
    }
