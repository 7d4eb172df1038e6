"""HTTP models of imported calendars."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from shared.http.schemas import Input, Schema

Code = Literal[
    "cut_off", "no_events", "no_length", "no_start", "unclear_period", "unclear_rule", "unclear_time",
    "unknown_component", "unknown_time_zone",
]  # fmt: skip
FetchProblem = Literal["address_refused", "address_unreachable", "calendar_too_large", "not_a_calendar"]


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Name = Annotated[
    Annotated[str, Field(max_length=100)] | None,
    BeforeValidator(_none_if_empty),
    Field(description="What its owner calls the calendar.", examples=["Privat"]),
]


class ImportRequest(Input):
    """The address of an iCalendar, as calendar programs share it: https, webcal or webcals."""

    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://calendar.example.com/amina.ics"])]
    name: Name = None


class Rename(Input):
    name: Name


class UnclearPart(Schema):
    """Something in the calendar that was not understood, or only in part."""

    code: Code = Field(examples=["no_start"])
    count: int = Field(examples=[2])
    text: str = Field(examples=["Events without a time that we can read: 2. They block nothing."])


class Import(Schema):
    """`host` is null for an uploaded file. `problem` is the error code of the last fetch, null if it succeeded, and
    `problem_text` the same in words. `problems` lists what was not understood in the calendar that was read last."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"])
    name: str | None = Field(examples=["Privat"])
    host: str | None = Field(examples=["calendar.example.com"])
    status: Literal["waiting", "current", "failing", "stopped"] = Field(examples=["current"])
    problem: FetchProblem | None = Field(examples=[None])
    problem_text: str | None = Field(examples=[None])
    failing_since: dt.datetime | None = Field(examples=[None])
    problems: list[UnclearPart] = Field(examples=[[]])
    busy_times: int
    covers_until: dt.date | None
    checked_at: dt.datetime | None
    created_at: dt.datetime


class Imports(Schema):
    items: list[Import]
