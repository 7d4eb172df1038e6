"""HTTP models of appointments, and of a span of time. Instants are in Copenhagen's offset."""

import datetime as dt
from uuid import UUID

from pydantic import Field

from domain import examples
from domain.bookings import BookingStatus
from shared.http.schemas import Schema


class Span(Schema):
    start: dt.datetime = Field(examples=[examples.START])
    end: dt.datetime = Field(examples=[examples.END])


class Appointment(Span):
    booking_id: UUID
    item_id: UUID
    service_id: UUID
    customer_id: UUID
    status: BookingStatus = Field(examples=["confirmed"])
