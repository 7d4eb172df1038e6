from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from services.booking.money import MoneyWithVat, as_price
from shared.http.schemas import Flag, Input, Schema
from shared.http.validation_messages import invalid

MOST_ORE = 10_000_000
Category = Literal[
    "consultation", "starter", "maintenance", "repair", "care", "colour", "styling", "extensions", "removal"
]
Minutes = Annotated[StrictInt, Field(ge=5, le=720)]
Buffer = Annotated[StrictInt, Field(ge=0, le=120)]


class PriceInput(Input):
    amount: Annotated[StrictInt, Field(ge=0, le=MOST_ORE)]
    currency: Literal["DKK"] = "DKK"


Price = Annotated[PriceInput, BeforeValidator(as_price)]
"""Øre, or an amount in Danish notation: {"amount": 64900, "currency": "DKK"} or "649,00 kr."."""


class TranslationInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=2000)]


class TranslationsInput(Input):
    da: TranslationInput
    en: TranslationInput


class ProcessingInput(Input):
    """Time in the middle of the treatment in which the loctician's hands are free."""

    start_minutes: Annotated[StrictInt, Field(ge=1, le=720)]
    minutes: Annotated[StrictInt, Field(ge=1, le=720)]


class TreatmentInput(Input):
    translations: TranslationsInput
    category: Category
    duration_minutes: Minutes
    processing: ProcessingInput | None = None
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    grid_minutes: Literal[5, 10, 15, 20, 30, 60] = 15
    price: Price
    active: Flag = True

    @model_validator(mode="after")
    def _processing_in_the_middle(self) -> Self:
        if self.processing and self.processing.start_minutes + self.processing.minutes >= self.duration_minutes:
            raise invalid(
                "processing_inside",
                en="processing must end before the treatment does",
                da="Virketiden skal slutte, før behandlingen gør.",
            )
        return self


class Translation(Schema):
    name: str
    description: str


class Processing(Schema):
    start_minutes: int
    minutes: int


class Highlight(Schema):
    """HTML: what was found stands in <mark>, all else is escaped."""

    name: str
    description: str


class Treatment(Schema):
    id: UUID
    name: str
    description: str
    category: str
    category_name: str
    duration_minutes: int
    processing: Processing | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    grid_minutes: int
    price: MoneyWithVat
    loctician_ids: list[UUID]
    translations: dict[str, Translation]
    active: bool
    version: int
    highlight: Highlight | None = None
