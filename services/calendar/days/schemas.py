import datetime as dt
from uuid import UUID

from services.calendar.appointments.schemas import Appointment, Span
from services.calendar.hours.expansion import Cause
from services.calendar.time_off.schemas import TimeOff
from shared.http.schemas import Schema


class CalendarDay(Schema):
    date: dt.date
    windows: list[Span]
    closed_for: Cause | None
    time_off: list[TimeOff]
    busy: list[Span]
    appointments: list[Appointment]
    free: list[Span]


class Calendar(Schema):
    loctician_id: UUID
    days: list[CalendarDay]


class Holiday(Schema):
    date: dt.date
    name: str


class Holidays(Schema):
    items: list[Holiday]
