from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import holds, waitlist
from services.booking.api.common import Caller, Cursor, Limit, RequireVerified, answer
from services.booking.schemas import holds as schemas
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Page

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
    held = await holds.hold(database, who, asked, key, language, require_verified=require_verified)
    return answer(held, 201, Location=f"/api/v1/bookings/holds/{held['id']}")


@router.delete("/bookings/holds/{hold_id}", status_code=204, response_class=Response)
async def release_hold(who: Caller, hold_id: UUID, database: DatabaseDep) -> Response:
    await holds.release(database, who, hold_id)
    return Response(status_code=204)


@router.post("/waitlist", status_code=201, response_model=schemas.Waiting)
async def join_waitlist(
    who: Caller,
    asked: schemas.WaitRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    waiting = await waitlist.wait(database, who, asked, key, language, require_verified=require_verified)
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
    return answer(await waitlist.wishes(database, who, customer_id, cursor, limit, language))


@router.delete("/waitlist/{waitlist_id}", status_code=204, response_class=Response)
async def leave_waitlist(who: Caller, waitlist_id: UUID, database: DatabaseDep) -> Response:
    await waitlist.leave(database, who, waitlist_id)
    return Response(status_code=204)
