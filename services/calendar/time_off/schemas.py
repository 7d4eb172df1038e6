import datetime as dt
from typing import Self
from uuid import UUID

from pydantic import model_validator

from services.calendar.appointments.schemas import Span
from shared.http.schemas import Flag, Input, Instant, Schema
from shared.http.validation_messages import invalid

MAX_OFF = dt.timedelta(days=400)


class TimeOffRequest(Input):
    start: Instant
    end: Instant
    force: Flag = False

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.start < self.end <= self.start + MAX_OFF:
            raise invalid(
                "in_order",
                en="end must lie after start and at most 400 days later",
                da="end skal ligge efter start og højst 400 dage senere.",
            )
        return self


class TimeOff(Span):
    id: UUID


class TimesOff(Schema):
    items: list[TimeOff]
