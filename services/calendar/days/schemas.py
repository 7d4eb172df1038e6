"""HTTP models of a loctician's days and of public holidays. Instants are in Copenhagen's offset."""

import datetime as dt
from uuid import UUID

from pydantic import Field

from services.calendar.appointments.schemas import Appointment, Span
from services.calendar.dependencies import LOCTICIAN_ID
from services.calendar.hours.expansion import Cause
from services.calendar.time_off.schemas import TimeOff
from shared.http.schemas import Schema


class CalendarDay(Schema):
    """`free` is what is left of `windows` between the appointments; `busy` comes from imported calendars.

    A window that runs past midnight is shown on the day on which it begins, with what is free of it. Time off, busy
    times and appointments are shown on each day that they touch.
    """

    date: dt.date
    windows: list[Span]
    closed_for: Cause | None = Field(examples=[None])
    time_off: list[TimeOff]
    busy: list[Span]
    appointments: list[Appointment]
    free: list[Span]


class Calendar(Schema):
    loctician_id: UUID = Field(examples=[LOCTICIAN_ID])
    days: list[CalendarDay]


class Holiday(Schema):
    date: dt.date = Field(examples=["2026-12-25"])
    name: str = Field(examples=["Juledag"])


class Holidays(Schema):
    items: list[Holiday]
