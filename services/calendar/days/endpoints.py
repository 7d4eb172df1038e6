"""A loctician's days and the public holidays over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from domain.times import FromDay, ToDay
from services.calendar.days import schemas
from services.calendar.days.service import View, last_day, read_calendar
from services.calendar.dependencies import PREFIX, Anyone, Caller, Loctician
from services.calendar.errors import RangeTooLong
from services.calendar.hours.expansion import danish_holidays
from services.calendar.local_time import today
from shared.http.dependencies import SessionDep
from shared.openapi.operations import raises

router = APIRouter(prefix=PREFIX)


@router.get("/holidays", response_model=schemas.Holidays, summary="List the Danish public holidays")
async def list_holidays(
    principal: Anyone, year: Annotated[int | None, Query(ge=2000, le=2099, examples=[2026])] = None
) -> dict[str, Any]:
    """The salon is closed on these dates, unless an override opens one. `year` is the current one by default."""
    holidays = danish_holidays(year or today().year)
    return {"items": [{"date": day, "name": name} for day, name in holidays.items()]}


@router.get(
    "/{loctician_id}",
    response_model=schemas.Calendar,
    summary="Read a loctician's days",
    responses=raises(RangeTooLong),
)
async def get_calendar(
    principal: Caller,
    loctician: Loctician,
    session: SessionDep,
    first: FromDay = None,
    last: ToDay = None,
    view: Annotated[View | None, Query(examples=["week"])] = None,
) -> dict[str, Any]:
    """At most 62 days, both dates included. `view` sets the length where `to` is left out."""
    start = first or today()
    return await read_calendar(session, principal, loctician, start, last_day(start, last, view))
