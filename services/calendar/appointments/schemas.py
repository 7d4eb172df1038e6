import datetime as dt
from uuid import UUID

from shared.http.schemas import Schema


class Span(Schema):
    start: dt.datetime
    end: dt.datetime


class Appointment(Span):
    booking_id: UUID
    item_id: UUID
    service_id: UUID
    customer_id: UUID
    status: str
