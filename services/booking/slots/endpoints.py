from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.booking.dependencies import From, To, Visitor
from services.booking.serializers import answer
from services.booking.slots import schemas
from services.booking.slots import service as slots
from shared.database.autocommit import json_response
from shared.http.dependencies import DatabaseDep, LanguageDep

router = APIRouter(prefix="/api/v1")


@router.get("/slots", response_model=schemas.Slots)
async def search_slots(
    who: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    service_id: Annotated[schemas.TreatmentIds, Query()],
    loctician_id: UUID | None = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    return json_response(await slots.search(database, who, service_id, loctician_id, (start, end), limit, language))


@router.post("/bookings/check-availability", response_model=schemas.Availability)
async def check_availability(
    who: Visitor, asked: schemas.AvailabilityRequest, database: DatabaseDep, language: LanguageDep
) -> Response:
    return answer(await slots.check(database, who, asked, language))
