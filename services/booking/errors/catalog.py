from typing import ClassVar

from shared.errors import Forbidden, ProblemError, Texts


class PreconditionRequired(ProblemError):
    status_code = 428
    code = "precondition_required"
    title: ClassVar[Texts] = {"da": "If-Match mangler", "en": "If-Match missing"}
    detail: ClassVar[Texts] = {
        "da": "Hent den nyeste udgave, og send dens ETag i If-Match.",
        "en": "Fetch the newest version and send its ETag in If-Match.",
    }


class NotYourProfile(Forbidden):
    code = "not_your_profile"
    detail: ClassVar[Texts] = {
        "da": "En loctician retter kun sin egen profil.",
        "en": "A loctician edits no profile but the own.",
    }


class SalonOnly(Forbidden):
    code = "salon_only"
    detail: ClassVar[Texts] = {
        "da": "Kun personalet ser det, der ikke tilbydes.",
        "en": "Only staff see what is not on offer.",
    }
