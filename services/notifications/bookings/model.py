"""A booking as its events tell of it."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.notification_types import Part


class Item(BaseModel):
    service_id: UUID
    loctician_id: UUID
    start: AwareDatetime
    end: AwareDatetime
    blocked_start: AwareDatetime
    blocked_end: AwareDatetime
    price_amount: int  # øre


class Booking(BaseModel):
    booking_id: UUID
    status: str
    customer_id: UUID
    start: AwareDatetime
    end: AwareDatetime
    price_amount: int  # øre
    items: list[Item] = Field(min_length=1, max_length=100)
    previous_start: AwareDatetime | None = None
    walk_in: bool = False  # a customer without an account, who gets no messages and whose name is not known
    reason: str | None = None  # a code
    series_id: UUID | None = None
    message: str | None = None  # what the salon wrote to the customer, sealed

    def items_of(self, loctician_id: UUID) -> list[Item]:
        return [item for item in self.items if item.loctician_id == loctician_id]

    def items_for(self, user_id: UUID, part: Part) -> list[Item]:
        """Those that the recipient of a message has to do with."""
        return self.items_of(user_id) if part == "loctician" else self.items

    @property
    def locticians(self) -> list[UUID]:
        return list(dict.fromkeys(item.loctician_id for item in self.items))
