from uuid import UUID

from fastapi import APIRouter, Response

from services.booking.dependencies import Caller, RequireVerified
from services.booking.holds import schemas, service
from services.booking.serializers import answer
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey

router = APIRouter(prefix="/api/v1")


@router.post("/bookings/holds", status_code=201, response_model=schemas.Hold)
async def hold_time(
    who: Caller,
    asked: schemas.HoldRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    held = await service.hold(database, who, asked, key, language, require_verified=require_verified)
    return answer(held, 201, Location=f"/api/v1/bookings/holds/{held['id']}")


@router.delete("/bookings/holds/{hold_id}", status_code=204, response_class=Response)
async def release_hold(who: Caller, hold_id: UUID, database: DatabaseDep) -> Response:
    await service.release(database, who, hold_id)
    return Response(status_code=204)
