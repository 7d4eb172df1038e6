from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.calendar.dependencies import PREFIX, Caller, Loctician
from services.calendar.time_off import schemas, serializers, service
from shared.http.dependencies import SessionDep
from shared.http.idempotency import IdempotencyKey, fingerprint, once

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}/time-off")


@router.post("", status_code=201, response_model=schemas.TimeOff)
async def add_time_off(
    who: Caller,
    loctician: Loctician,
    asked: schemas.TimeOffRequest,
    session: SessionDep,
    response: Response,
    key: IdempotencyKey = None,
) -> dict[str, Any]:
    async def add() -> dict[str, Any]:
        return serializers.absence(await service.add(session, loctician, asked.start, asked.end, force=asked.force))

    request = fingerprint("time-off", str(loctician), asked.model_dump_json())
    added = await once(session, who.id, key, request, add)
    response.headers["Location"] = f"/api/v1/calendar/{loctician}/time-off/{added['id']}"
    return added


@router.get("", response_model=schemas.TimesOff)
async def list_time_off(loctician: Loctician, session: SessionDep) -> dict[str, Any]:
    """What ended less than a year ago or is still to come, at most 1000."""
    return {"items": [serializers.absence(row) for row in await service.listed(session, loctician)]}


@router.delete("/{time_off_id}", status_code=204, response_class=Response)
async def remove_time_off(loctician: Loctician, time_off_id: UUID, session: SessionDep) -> None:
    await service.remove(session, loctician, time_off_id)
