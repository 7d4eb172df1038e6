from uuid import UUID

from shared.schemas import Money, Schema


class Translation(Schema):
    name: str
    description: str


class Treatment(Schema):
    id: UUID
    name: str
    description: str
    category: str
    duration_minutes: int
    price: Money
    loctician_ids: list[UUID]
    translations: dict[str, Translation]
    version: int


class OfferedTreatment(Schema):
    service_id: UUID
    duration_minutes: int
    price: Money


class Loctician(Schema):
    id: UUID
    display_name: str
    bio: str
    treatments: list[OfferedTreatment]
    version: int
