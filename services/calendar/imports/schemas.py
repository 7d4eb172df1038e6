import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.http.schemas import Input, Schema


class ImportRequest(Input):
    """The address of an iCalendar, as calendar programs share it."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]


class Import(Schema):
    """`host` is null for an uploaded file. `problem` is the code of the problem the last fetch met."""

    id: UUID
    host: str | None
    status: Literal["waiting", "current", "failing", "stopped"]
    problem: str | None
    busy_times: int
    covers_until: dt.date | None
    checked_at: dt.datetime | None
    created_at: dt.datetime


class Imports(Schema):
    items: list[Import]
