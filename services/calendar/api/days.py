from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.calendar import schemas
from services.calendar.api.common import PREFIX, Caller, From, Loctician, To, Visitor
from services.calendar.expansion import danish_holidays, today
from services.calendar.overview import View, last_day, read
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
