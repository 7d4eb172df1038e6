"""Time off over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from domain.times import From, To
from services.calendar.dependencies import PREFIX, Caller, Loctician
from services.calendar.errors import AppointmentsInTheWay, LimitReached
from services.calendar.time_off import schemas, serializers, service
from shared.http.dependencies import SessionDep
from shared.http.idempotency import IdempotencyKey, fingerprint, once
from shared.openapi.operations import LOCATION, raises, sends

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}/time-off")


@router.post(
    "",
    status_code=201,
    response_model=schemas.TimeOff,
    summary="Take time off",
    responses=raises(AppointmentsInTheWay, LimitReached) | sends(201, LOCATION),
)
async def add_time_off(
    principal: Caller,
    loctician: Loctician,
    body: schemas.TimeOffRequest,
    session: SessionDep,
    response: Response,
    key: IdempotencyKey = None,
) -> dict[str, Any]:
    """409 with the appointments in the period, unless `force` is true. Forced time off leaves them as they are."""

    async def add() -> dict[str, Any]:
        row = await service.add_time_off(session, loctician, body.start, body.end, force=body.force)
        return serializers.time_off(row)

    request = fingerprint("time-off", str(loctician), body.model_dump_json())
    time_off = await once(session, principal.id, key, request, add)
    response.headers["Location"] = f"{PREFIX}/{loctician}/time-off/{time_off['id']}"
    return time_off


@router.get("", response_model=schemas.TimesOff, summary="List time off")
async def list_time_off(
    loctician: Loctician, session: SessionDep, start: From = None, end: To = None
) -> dict[str, Any]:
    """All that lies in the period, also in part, by its start; at most 1000. Without `from` what ended less than a year
    ago is included."""
    rows = await service.list_time_off(session, loctician, start, end)
    return {"items": [serializers.time_off(row) for row in rows]}


@router.delete("/{time_off_id}", status_code=204, response_class=Response, summary="Cancel time off")
async def remove_time_off(loctician: Loctician, time_off_id: UUID, session: SessionDep) -> None:
    await service.remove_time_off(session, loctician, time_off_id)
