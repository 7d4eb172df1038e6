"""Endpoints: parse, authorise, one use case, respond."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.calendar import expansion, hours, queries, schemas
from services.calendar.overview import View, last_day, overview
from shared.auth import ANYONE, Principal, Role, allow
from shared.db import SessionDep
from shared.errors import NotFound

router = APIRouter(prefix="/api/v1/calendar")

LATEST = datetime(2101, 1, 1, tzinfo=UTC)


def own_or_salon(loctician_id: UUID, who: Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]) -> UUID:
    """A loctician sees no other's calendar, nor whether there is one."""
    if who.role is Role.LOCTICIAN and who.id != loctician_id:
        raise NotFound
    return loctician_id


Loctician = Annotated[UUID, Depends(own_or_salon)]
Visitor = Annotated[Principal | None, ANYONE]
From = Annotated[schemas.Day | None, Query(alias="from")]
To = Annotated[schemas.Day | None, Query(alias="to")]


@router.get("/holidays", response_model=schemas.Holidays)
async def list_holidays(who: Visitor, year: Annotated[int | None, Query(ge=2000, le=2099)] = None) -> dict[str, Any]:
    found = expansion.danish_holidays(year or hours.today().year)
    return {"items": [{"date": day, "name": name} for day, name in found.items()]}


@router.get("/{loctician_id}", response_model=schemas.Calendar)
async def get_calendar(
    loctician: Loctician, session: SessionDep, first: From = None, last: To = None, view: View | None = None
) -> dict[str, Any]:
    start = first or hours.today()
    return await overview(session, loctician, start, last_day(start, last, view))


@router.get("/{loctician_id}/working-hours", response_model=schemas.WorkingHours)
async def get_working_hours(loctician: Loctician, session: SessionDep) -> dict[str, Any]:
    return await _hours(session, loctician)


@router.put("/{loctician_id}/working-hours", response_model=schemas.WorkingHours)
async def put_working_hours(loctician: Loctician, asked: schemas.HoursRequest, session: SessionDep) -> dict[str, Any]:
    await hours.set_hours(session, loctician, [row.hours() for row in asked.hours])
    return await _hours(session, loctician)


async def _hours(session: SessionDep, loctician_id: UUID) -> dict[str, Any]:
    rows = await queries.hours_of(session, loctician_id)
    return {"hours": [{**row, "starts": f"{row['starts']:%H:%M}", "ends": f"{row['ends']:%H:%M}"} for row in rows]}


@router.post("/{loctician_id}/time-off", status_code=201, response_model=schemas.TimeOff)
async def add_time_off(
    loctician: Loctician, asked: schemas.TimeOffRequest, session: SessionDep, response: Response
) -> dict[str, Any]:
    added = await hours.add_time_off(session, loctician, asked.start, asked.end, force=asked.force)
    response.headers["Location"] = f"/api/v1/calendar/{loctician}/time-off/{added['id']}"
    return queries.absence(added)


@router.get("/{loctician_id}/time-off", response_model=schemas.TimesOff)
async def list_time_off(loctician: Loctician, session: SessionDep) -> dict[str, Any]:
    """What ended less than a year ago or is still to come, at most 1000."""
    since = datetime.now(UTC) - timedelta(days=365)
    rows = await queries.time_off_between(session, loctician, since, LATEST)
    return {"items": [queries.absence(row) for row in rows]}


@router.delete("/{loctician_id}/time-off/{time_off_id}", status_code=204)
async def remove_time_off(loctician: Loctician, time_off_id: UUID, session: SessionDep) -> None:
    await hours.remove_time_off(session, loctician, time_off_id)
