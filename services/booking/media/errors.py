"""Why a picture is refused."""

from typing import Any, ClassVar

from shared.errors import Conflict, RuleBroken, Texts


class NotAPicture(RuleBroken):
    code = "not_a_picture"
    title: ClassVar[Texts] = {"da": "Ikke et billede", "en": "Not a picture"}
    detail: ClassVar[Texts] = {
        "da": "Filen er ikke et billede, der kan læses, eller den er beskadiget. Gem den igen som "
        "JPEG, PNG eller WebP.",
        "en": "The file is not a picture that can be read, or it is damaged. Save it again as JPEG, PNG or WebP.",
    }


class PictureTooLarge(RuleBroken):
    code = "picture_too_large"
    title: ClassVar[Texts] = {"da": "Billedet er for stort", "en": "The picture is too large"}
    detail: ClassVar[Texts] = {
        "da": "Billedet må højst have {megapixels} millioner pixels og være {side} pixels på hver led. Gør det mindre.",
        "en": "A picture may have {megapixels} million pixels at most, and {side} pixels on a side. Make it smaller.",
    }
    fields: ClassVar[dict[str, Any]] = {
        "megapixels": {"type": "integer", "examples": [40]},
        "side": {"type": "integer", "examples": [12000]},
    }


class TooManyPictures(Conflict):
    code = "too_many_pictures"
    title: ClassVar[Texts] = {"da": "For mange billeder", "en": "Too many pictures"}
    detail: ClassVar[Texts] = {
        "da": "Der kan højst være {limit} billeder her. Slet et af dem først.",
        "en": "There can be at most {limit} pictures here. Delete one of them first.",
    }
    fields: ClassVar[dict[str, Any]] = {"limit": {"type": "integer", "examples": [24]}}


class WrongOwner(RuleBroken):
    code = "wrong_owner"
    title: ClassVar[Texts] = {"da": "Billedet mangler sin ejer", "en": "Whose picture it is"}
    detail: ClassVar[Texts] = {
        "da": "Vælg, hvem eller hvad billedet hører til. Locticianen eller behandlingen skal findes.",
        "en": "Choose whom or what the picture belongs to. The loctician or the treatment must exist.",
    }
