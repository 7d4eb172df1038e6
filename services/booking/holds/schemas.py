from datetime import datetime
from uuid import UUID

from services.booking.money import MoneyWithVat
from services.booking.slots.schemas import AvailabilityRequest, Part
from shared.http.schemas import Schema


class HoldRequest(AvailabilityRequest):
    customer_id: UUID | None = None


class Hold(Schema):
    id: UUID
    service_ids: list[UUID]
    loctician_id: UUID
    start: datetime
    end: datetime
    price: MoneyWithVat
    expires_at: datetime
    items: list[Part] | None = None
