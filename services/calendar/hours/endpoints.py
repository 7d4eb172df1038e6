"""Working hours and overrides over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from domain.times import Day, FromDay, ToDay
from services.calendar.dependencies import PREFIX, Loctician
from services.calendar.errors import HoursOverlap, LimitReached
from services.calendar.hours import queries, schemas, serializers, service
from shared.errors import PreconditionRequired
from shared.http.dependencies import SessionDep
from shared.http.preconditions import IfMatch, etag
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}")


@router.get(
    "/working-hours",
    response_model=schemas.WorkingHours,
    summary="Read the weekly working hours",
    responses=sends(200, ETAG),
)
async def get_working_hours(loctician: Loctician, session: SessionDep, response: Response) -> dict[str, Any]:
    return await _read_hours(session, loctician, response)


@router.put(
    "/working-hours",
    response_model=schemas.WorkingHours,
    summary="Replace the weekly working hours",
    responses=raises(HoursOverlap, PreconditionRequired) | sends(200, ETAG),
)
async def put_working_hours(
    loctician: Loctician,
    body: schemas.HoursRequest,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Replaces all of them. Needs If-Match as soon as hours were set once: 428 without it, 412 if they have changed."""
    await service.change_hours(session, loctician, [row.hours() for row in body.hours], if_match)
    return await _read_hours(session, loctician, response)


async def _read_hours(session: SessionDep, loctician_id: UUID, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = etag(await queries.hours_version(session, loctician_id))
    return {"hours": [serializers.hours(row) for row in await queries.hours_of(session, loctician_id)]}


@router.get("/overrides", response_model=schemas.Overrides, summary="List the dates with other hours")
async def list_overrides(
    loctician: Loctician, session: SessionDep, first: FromDay = None, last: ToDay = None
) -> dict[str, Any]:
    """From today and for 400 days, unless the query says otherwise. Both dates are included."""
    rows = await service.list_overrides(session, loctician, first, last)
    return {"items": [serializers.override(row) for row in rows]}


@router.put(
    "/overrides/{day}",
    response_model=schemas.Override,
    summary="Set other hours on a date, or close it",
    responses=raises(LimitReached),
)
async def put_override(
    loctician: Loctician, day: Day, body: schemas.OverrideRequest, session: SessionDep
) -> dict[str, Any]:
    return serializers.override(await service.put_override(session, loctician, day, body.pairs(), body.reason))


@router.delete(
    "/overrides/{day}", status_code=204, response_class=Response, summary="Restore the usual hours of a date"
)
async def remove_override(loctician: Loctician, day: Day, session: SessionDep) -> None:
    """204 also if the date had the usual hours already."""
    await service.remove_override(session, loctician, day)
