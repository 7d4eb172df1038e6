from uuid import UUID

from fastapi import APIRouter, Response

from services.booking.dependencies import Caller, Cursor, Limit, RequireVerified
from services.booking.serializers import answer
from services.booking.waitlist import schemas, service
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Page

router = APIRouter(prefix="/api/v1")


@router.post("/waitlist", status_code=201, response_model=schemas.Waiting)
async def join_waitlist(
    who: Caller,
    asked: schemas.WaitRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    waiting = await service.wait(database, who, asked, key, language, require_verified=require_verified)
    return answer(waiting, 201, Location=f"/api/v1/waitlist/{waiting['id']}")


@router.get("/waitlist", response_model=Page[schemas.Waiting])
async def list_wishes(
    who: Caller,
    database: DatabaseDep,
    language: LanguageDep,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    return answer(await service.wishes(database, who, customer_id, cursor, limit, language))


@router.delete("/waitlist/{waitlist_id}", status_code=204, response_class=Response)
async def leave_waitlist(who: Caller, waitlist_id: UUID, database: DatabaseDep) -> Response:
    await service.leave(database, who, waitlist_id)
    return Response(status_code=204)
