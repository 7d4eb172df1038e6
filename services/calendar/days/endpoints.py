from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.calendar.days import schemas
from services.calendar.days.service import View, last_day, read
from services.calendar.dependencies import PREFIX, Caller, From, Loctician, To, Visitor
from services.calendar.hours.expansion import danish_holidays
from services.calendar.local_time import today
from shared.http.dependencies import SessionDep

router = APIRouter(prefix=PREFIX)


@router.get("/holidays", response_model=schemas.Holidays)
async def list_holidays(who: Visitor, year: Annotated[int | None, Query(ge=2000, le=2099)] = None) -> dict[str, Any]:
    """Closed, unless an override opens the date."""
    found = danish_holidays(year or today().year)
    return {"items": [{"date": day, "name": name} for day, name in found.items()]}


@router.get("/{loctician_id}", response_model=schemas.Calendar)
async def get_calendar(
    who: Caller,
    loctician: Loctician,
    session: SessionDep,
    first: From = None,
    last: To = None,
    view: View | None = None,
) -> dict[str, Any]:
    start = first or today()
    return await read(session, who, loctician, start, last_day(start, last, view))
