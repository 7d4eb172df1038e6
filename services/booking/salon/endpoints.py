"""Endpoints of the salon's record."""

import orjson
from fastapi import APIRouter, Response

from services.booking.dependencies import CACHED, CachingDep, Staff, Visitor
from services.booking.salon import schemas, service
from services.booking.serializers import cacheable, respond
from shared.errors import PreconditionRequired
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix="/api/v1/salon")


@router.get(
    "",
    response_model=schemas.Salon,
    summary="Read what the salon says of itself",
    description="Name, address, opening hours in words: what pages, mails, calendar entries and receipts show. Its "
    "rules for bookings are in `GET /api/v1/bookings/rules`.",
    responses=CACHED,
)
async def get_salon(principal: Visitor, database: DatabaseDep, caching: CachingDep) -> Response:
    record = await service.get_record(database)
    return cacheable(orjson.dumps(record), caching, record["version"])


@router.put(
    "",
    response_model=schemas.Salon,
    summary="Change what the salon says of itself",
    responses=raises(PreconditionRequired) | sends(200, ETAG),
)
async def replace_salon(
    principal: Staff, body: schemas.SalonInput, session: SessionDep, if_match: IfMatch = None
) -> Response:
    return respond(await service.replace_record(session, body, if_match))
