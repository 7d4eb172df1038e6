"""HTTP models of time off."""

import datetime as dt
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from domain import examples
from domain.times import Instant
from services.calendar.appointments.schemas import Span
from shared.http.schemas import Flag, Input, Schema
from shared.http.validation_messages import invalid

MAX_LENGTH = dt.timedelta(days=400)


class TimeOffRequest(Input):
    start: Instant = Field(examples=[examples.START])
    end: Instant = Field(examples=[examples.END])
    force: Flag = False

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.start < self.end <= self.start + MAX_LENGTH:
            raise invalid(
                "in_order",
                en="end must lie after start and at most 400 days later",
                da="end skal ligge efter start og højst 400 dage senere.",
            )
        return self


class TimeOff(Span):
    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"])


class TimesOff(Schema):
    items: list[TimeOff]
