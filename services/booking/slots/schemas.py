from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from services.booking.money import MoneyWithVat
from shared.http.schemas import Input, Instant, Schema
from shared.http.validation_messages import invalid

MAX_TREATMENTS = 8


def _distinct(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise invalid(
            "named_twice", en="the same treatment is named twice", da="Den samme behandling er nævnt to gange."
        )
    return ids


TreatmentIds = Annotated[list[UUID], Field(min_length=1, max_length=MAX_TREATMENTS), AfterValidator(_distinct)]


class AvailabilityRequest(Input):
    service_ids: TreatmentIds
    loctician_id: UUID | None = None
    start: Instant


class Part(Schema):
    service_id: UUID
    loctician_id: UUID
    start: datetime
    end: datetime


class Slot(Schema):
    start: datetime
    end: datetime
    loctician_id: UUID
    service_ids: list[UUID]
    price: MoneyWithVat
    items: Annotated[
        list[Part] | None,
        Field(description="Only where several locticians share the sitting; loctician_id is the first"),
    ] = None


class Slots(Schema):
    items: list[Slot]


class Availability(Schema):
    available: bool
    reason: str | None
    alternatives: list[Slot]
