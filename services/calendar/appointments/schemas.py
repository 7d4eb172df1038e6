"""HTTP models of appointments, and of a span of time. Instants are in Copenhagen's offset."""

import datetime as dt
from uuid import UUID

from pydantic import Field

from shared.http.schemas import Schema


class Span(Schema):
    start: dt.datetime = Field(examples=["2026-09-14T10:00:00+02:00"])
    end: dt.datetime = Field(examples=["2026-09-18T17:00:00+02:00"])


class Appointment(Span):
    booking_id: UUID
    item_id: UUID
    service_id: UUID
    customer_id: UUID
    status: str = Field(examples=["confirmed"])
