"""HTTP models of holds."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import TreatmentId
from services.booking.customers.schemas import CustomerId
from services.booking.profiles.schemas import LocticianId
from services.booking.slots.schemas import AvailabilityRequest, End, Part
from shared.http.schemas import Schema

HoldId = Annotated[UUID, Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b05"])]


class HoldRequest(AvailabilityRequest):
    customer_id: CustomerId | None = None


class HeldTreatment(Part):
    """A treatment with the price and the length at which it can be booked while it is held."""

    price: MoneyWithVat


class Hold(Schema):
    id: HoldId
    service_ids: list[TreatmentId]
    loctician_id: LocticianId
    start: datetime
    end: End
    price: MoneyWithVat
    expires_at: datetime
    items: list[HeldTreatment]
