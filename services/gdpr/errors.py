from typing import ClassVar

from shared.errors import Conflict, RuleBroken, Texts


class LastAdmin(Conflict):
    code = "last_admin"
    title: ClassVar[Texts] = {"da": "Den sidste administrator", "en": "The last admin"}
    detail: ClassVar[Texts] = {
        "da": "Gør først en anden til administrator; ellers kan ingen styre salonen.",
        "en": "Make somebody else an admin first, or nobody can run the salon.",
    }


class UpcomingDuty(Conflict):
    code = "upcoming_duty"
    title: ClassVar[Texts] = {"da": "Kommende aftaler", "en": "Upcoming appointments"}
    detail: ClassVar[Texts] = {
        "da": "Personen skal udføre {count} kommende aftaler. Flyt eller aflys dem først.",
        "en": "The person is to hold {count} upcoming appointments. Move or cancel them first.",
    }


class ConsentTextChanged(Conflict):
    code = "consent_text_changed"
    title: ClassVar[Texts] = {"da": "Teksten er ændret", "en": "The text has changed"}
    detail: ClassVar[Texts] = {
        "da": "Hent den nyeste tekst, og spørg igen: et samtykke gælder det, der blev læst.",
        "en": "Fetch the newest text and ask again: consent covers what was read.",
    }


class UnknownPurpose(RuleBroken):
    code = "unknown_purpose"
    detail: ClassVar[Texts] = {
        "da": "Der bedes ikke om samtykke til {purpose}.",
        "en": "Nobody asks for consent to {purpose}.",
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
