"""HTTP models of imported calendars."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from domain.people import PlainName
from services.calendar.events import FetchProblem, UnclearCode
from shared.http.schemas import Input, Schema


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Name = Annotated[
    Annotated[str, Field(max_length=100), PlainName] | None,
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

    code: UnclearCode = Field(examples=["no_start"])
    count: int = Field(examples=[2])
    text: str = Field(examples=["Events without a time that we can read: 2. They block nothing."])


class Import(Schema):
    """`host` is null for an uploaded file. `valid_to` is the last date whose busy times are known; null before the
    first success. `problem` is the error code of the last fetch, null if it succeeded, `problem_text` the same in
    words, and `first_failed_at` when the outage began. `problems` lists what was not understood in the calendar that
    was read last."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"])
    name: str | None = Field(examples=["Privat"])
    host: str | None = Field(examples=["calendar.example.com"])
    status: Literal["waiting", "current", "failing", "stopped"] = Field(examples=["current"])
    problem: FetchProblem | None = Field(examples=[None])
    problem_text: str | None = Field(examples=[None])
    first_failed_at: dt.datetime | None = Field(examples=[None])
    problems: list[UnclearPart] = Field(examples=[[]])
    busy_times: int
    valid_to: dt.date | None
    checked_at: dt.datetime | None
    created_at: dt.datetime


class Imports(Schema):
    items: list[Import]
