"""HTTP models of the salon's record: what it is called, where it is and what it says of itself."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from domain.email_addresses import normalize_email
from domain.replacements import Replacement
from services.booking.media.schemas import Picture
from services.booking.profiles.schemas import Link
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"  # on one line
CVR = re.compile(r"[1-9][0-9]{7}")
CVR_WEIGHTS = (2, 7, 6, 5, 4, 3, 2, 1)
HOURS = {"da": "Man.-fre. 9-18, lør. 10-15", "en": "Mon to Fri 9-18, Sat 10-15"}
CANCELLATION = {
    "da": "Meld afbud senest 24 timer før. Ring, hvis det er senere.",
    "en": "Cancel 24 hours before at the latest. Call us if it is later.",
}
COLOURS: JsonDict = {"paper": "#fbf7f1", "ink": "#2a1d17", "accent": "#9c4127"}


def cvr_number(value: str) -> str:
    """Eight digits whose weighted sum is divisible by 11, as Erhvervsstyrelsen gives them out; spaces go. Empty for
    none."""
    digits = value.replace(" ", "")
    sum_of_digits = sum(
        weight * int(digit) for weight, digit in zip(CVR_WEIGHTS, digits, strict=False) if digit.isdecimal()
    )
    if digits and (not CVR.fullmatch(digits) or sum_of_digits % 11):
        raise invalid(
            "cvr_number",
            en="Must be a CVR number: eight digits. Check whether one of them is wrong.",
            da="Skal være et CVR-nummer på otte cifre. Tjek, om et af dem er forkert.",
        )
    return digits


def _address(value: str) -> str:
    return normalize_email(value) if value else ""


Name = Annotated[str, Field(max_length=100, pattern=PRINTABLE)]
Address = Annotated[str, Field(max_length=200, pattern=PRINTABLE, examples=["Eksempelgade 12, 2200 København N"])]
Phone = Annotated[str, Field(max_length=40, pattern=r"^[+0-9 ().-]*$", examples=["12 34 56 78"])]
Cvr = Annotated[str, Field(max_length=20, examples=["12345674"]), AfterValidator(cvr_number)]
Email = Annotated[str, Field(max_length=254, examples=["hej@rodfaestet.example"]), AfterValidator(_address)]
Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$", description="As #rrggbb")]
Words = Annotated[str, Field(max_length=1000)]


class WordsInput(Input):
    """A text in both languages; both empty for none."""

    da: Words
    en: Words


class ColoursInput(Input):
    """Of the paper, the ink on it, and the one thing to do on a screen."""

    model_config = ConfigDict(json_schema_extra={"examples": [COLOURS]})

    paper: Colour
    ink: Colour
    accent: Colour


class SalonInput(Replacement):
    """What is left out becomes empty."""

    answer: ClassVar = "Salon"

    name: Annotated[Name, Field(min_length=1, examples=["Rodfæstet"])]
    legal_name: Annotated[Name, Field(examples=["Rodfæstet ApS"])] = ""
    cvr_number: Cvr = ""
    address: Address = ""
    phone: Phone = ""
    email: Email = ""
    website_url: Annotated[Link | None, Field(examples=["https://rodfaestet.example"])] = None
    map_url: Annotated[Link | None, Field(examples=["https://kort.example/?q=Eksempelgade+12"])] = None
    opening_hours: Annotated[WordsInput, Field(examples=[dict(HOURS)])] = WordsInput(da="", en="")
    cancellation_rule: Annotated[WordsInput, Field(examples=[dict(CANCELLATION)])] = WordsInput(da="", en="")
    colours: ColoursInput | None = None


class TextsByLanguage(Schema):
    da: str
    en: str


class Colours(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [COLOURS]})

    paper: Colour
    ink: Colour
    accent: Colour


class Salon(Schema):
    """Empty where the salon has not said it."""

    name: Annotated[str, Field(examples=["Rodfæstet"])]
    legal_name: Annotated[str, Field(examples=["Rodfæstet ApS"])]
    cvr_number: Annotated[str, Field(examples=["12345674"])]
    address: Address
    phone: Phone
    email: Annotated[str, Field(examples=["hej@rodfaestet.example"])]
    website_url: Annotated[str | None, Field(examples=["https://rodfaestet.example"])]
    map_url: Annotated[str | None, Field(examples=["https://kort.example/?q=Eksempelgade+12"])]
    opening_hours: Annotated[TextsByLanguage, Field(description="In words", examples=[dict(HOURS)])]
    cancellation_rule: Annotated[TextsByLanguage, Field(description="In words", examples=[dict(CANCELLATION)])]
    colours: Colours | None
    logo: Picture | None
    pictures: list[Picture]
    version: int
