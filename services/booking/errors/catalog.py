from typing import ClassVar

from shared.errors import Forbidden, Texts


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
