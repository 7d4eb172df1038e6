"""HTTP models of imported calendars."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.http.schemas import Input, Schema


class ImportRequest(Input):
    """The address of an iCalendar, as calendar programs share it."""

    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://calendar.example.com/amina.ics"])]


class Import(Schema):
    """`host` is null for an uploaded file. `problem` is the error code of the last fetch, null if it succeeded."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"])
    host: str | None = Field(examples=["calendar.example.com"])
    status: Literal["waiting", "current", "failing", "stopped"] = Field(examples=["current"])
    problem: str | None = Field(examples=[None])
    busy_times: int
    covers_until: dt.date | None
    checked_at: dt.datetime | None
    created_at: dt.datetime


class Imports(Schema):
    items: list[Import]
