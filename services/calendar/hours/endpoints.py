from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.calendar.dependencies import PREFIX, Day, From, IfMatch, Loctician, To
from services.calendar.hours import queries, schemas, serializers, service
from services.calendar.preconditions import etag
from shared.http.dependencies import SessionDep

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}")


@router.get("/working-hours", response_model=schemas.WorkingHours)
async def get_working_hours(loctician: Loctician, session: SessionDep, response: Response) -> dict[str, Any]:
    return await _hours(session, loctician, response)


@router.put("/working-hours", response_model=schemas.WorkingHours)
async def put_working_hours(
    loctician: Loctician,
    asked: schemas.HoursRequest,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Replaces all of them. Once there are any, If-Match is needed: 428 without, 412 when they have changed."""
    await service.change_hours(session, loctician, [row.hours() for row in asked.hours], if_match)
    return await _hours(session, loctician, response)


async def _hours(session: SessionDep, loctician_id: UUID, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = etag(await queries.hours_version(session, loctician_id))
    return {"hours": [serializers.weekly(row) for row in await queries.hours_of(session, loctician_id)]}


@router.get("/overrides", response_model=schemas.Overrides)
async def list_overrides(
    loctician: Loctician, session: SessionDep, first: From = None, last: To = None
) -> dict[str, Any]:
    found = await service.list_overrides(session, loctician, first, last)
    return {"items": [serializers.override(row) for row in found]}


@router.put("/overrides/{day}", response_model=schemas.Override)
async def put_override(
    loctician: Loctician, day: Day, asked: schemas.OverrideRequest, session: SessionDep
) -> dict[str, Any]:
    return serializers.override(await service.put_override(session, loctician, day, asked.pairs(), asked.reason))


@router.delete("/overrides/{day}", status_code=204, response_class=Response)
async def remove_override(loctician: Loctician, day: Day, session: SessionDep) -> None:
    """204 also when there was none: the date has the usual hours."""
    await service.remove_override(session, loctician, day)
