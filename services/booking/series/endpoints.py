from fastapi import APIRouter, Response

from services.booking.dependencies import Caller, RequireVerified
from services.booking.serializers import answer
from services.booking.series import schemas, service
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey

router = APIRouter(prefix="/api/v1")


@router.post("/bookings/series", status_code=201, response_model=schemas.Series)
async def create_series(
    who: Caller,
    asked: schemas.SeriesRequest,
    require_verified: RequireVerified,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    booked = await service.book_series(database, who, asked, key, language, require_verified=require_verified)
    return answer(booked, 201)
