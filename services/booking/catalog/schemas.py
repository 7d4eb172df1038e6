"""HTTP models of treatments."""

from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StrictInt, model_validator
from pydantic.config import JsonDict

from domain.replacements import Replacement
from services.booking.catalog.prices import MoneyWithVat, price_from
from services.booking.media.schemas import Picture
from shared.http.schemas import Flag, Input, Schema
from shared.http.validation_messages import invalid

MAX_ORE = 10_000_000
EXAMPLE_TREATMENT_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b01"
DANISH: JsonDict = {"name": "Retwist", "description": "Vask, retwist og pleje af dine locs."}
ENGLISH: JsonDict = {"name": "Retwist", "description": "Wash, retwist and care of your locs."}
MARKED: JsonDict = {"name": "<mark>Retwist</mark>", "description": "Vask, <mark>retwist</mark> og pleje af dine locs."}

TreatmentId = Annotated[UUID, Field(examples=[EXAMPLE_TREATMENT_ID])]
Category = Annotated[
    Literal["consultation", "starter", "maintenance", "repair", "care", "colour", "styling", "extensions", "removal"],
    Field(examples=["maintenance"]),
]
GridFrom = Annotated[
    Literal["hour", "opening"],
    Field(
        description="Where the grid of starting times counts from: the hour, or the beginning of the open window that "
        "holds the start, also after a break. With opening hours from 09:30 and 60 minutes, the first start is 10:00 "
        "or 09:30. A sitting counts from the opening as soon as one of its treatments does.",
        examples=["hour"],
    ),
]
Minutes = Annotated[StrictInt, Field(ge=5, le=720, examples=[90])]
Grid = Literal[5, 10, 15, 20, 30, 60]
Buffer = Annotated[StrictInt, Field(ge=0, le=120)]


class PriceInput(Replacement):
    answer: ClassVar = "MoneyWithVat"

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": 64900, "currency": "DKK"}]})

    amount: Annotated[StrictInt, Field(ge=0, le=MAX_ORE)]
    currency: Literal["DKK"] = "DKK"


Price = Annotated[PriceInput, BeforeValidator(price_from)]
"""Øre, or an amount in Danish notation: {"amount": 64900, "currency": "DKK"} or "649 kr."."""


class TranslationInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=2000)]


class TranslationsInput(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"da": DANISH, "en": ENGLISH}]})

    da: TranslationInput
    en: TranslationInput


class ProcessingInput(Input):
    """The time within the treatment in which the loctician is free, such as while a product works."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start_minutes": 30, "minutes": 20}]})

    start_minutes: Annotated[StrictInt, Field(ge=1, le=720)]
    minutes: Annotated[StrictInt, Field(ge=1, le=720)]


class TreatmentInput(Replacement):
    answer: ClassVar = "Treatment"

    translations: TranslationsInput
    category: Category
    duration_minutes: Minutes
    processing: ProcessingInput | None = None
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    grid_minutes: Grid = 15
    grid_from: GridFrom = "hour"
    price: Price
    active: Flag = True

    @model_validator(mode="after")
    def _processing_within_treatment(self) -> Self:
        if self.processing and self.processing.start_minutes + self.processing.minutes >= self.duration_minutes:
            raise invalid(
                "processing_inside",
                en="processing must end before the treatment ends",
                da="Virketiden skal være slut, før behandlingen er slut.",
            )
        return self


class Translation(Schema):
    name: str
    description: str


class Processing(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"start_minutes": 30, "minutes": 20}]})

    start_minutes: int
    minutes: int


class Highlight(Schema):
    """HTML: the words that match are in <mark>, and everything else is escaped."""

    model_config = ConfigDict(json_schema_extra={"examples": [MARKED]})

    name: str
    description: str


class Treatment(Schema):
    id: TreatmentId
    name: Annotated[str, Field(examples=[DANISH["name"]])]
    description: Annotated[str, Field(examples=[DANISH["description"]])]
    category: Category
    category_name: Annotated[str, Field(examples=["Vedligeholdelse"])]
    duration_minutes: Annotated[int, Field(examples=[90])]
    processing: Processing | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    grid_minutes: Grid
    grid_from: GridFrom
    price: MoneyWithVat
    price_from: Annotated[MoneyWithVat, Field(description="The lowest price with any loctician who offers it")]
    price_to: Annotated[MoneyWithVat, Field(description="The highest; the same if all take the same")]
    duration_from_minutes: Annotated[int, Field(description="How long it lasts with the fastest", examples=[90])]
    duration_to_minutes: Annotated[int, Field(description="How long it lasts with the slowest", examples=[105])]
    loctician_ids: list[UUID]
    pictures: list[Picture]
    translations: Annotated[dict[str, Translation], Field(examples=[{"da": DANISH, "en": ENGLISH}])]
    active: bool
    version: int
    highlight: Highlight | None = None
