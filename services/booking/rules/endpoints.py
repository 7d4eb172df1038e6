"""Endpoints of the salon's rules for bookings."""

from fastapi import APIRouter, Response

from services.booking.dependencies import Staff, Visitor
from services.booking.rules import schemas, service
from services.booking.serializers import respond
from shared.errors import PreconditionRequired
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix="/api/v1/bookings/rules")


@router.get("", response_model=schemas.Rules, summary="Read the salon's rules for bookings", responses=sends(200, ETAG))
async def get_rules(principal: Visitor, database: DatabaseDep) -> Response:
    return respond(await service.get_rules(database))


@router.put(
    "",
    response_model=schemas.Rules,
    summary="Set the salon's rules for bookings",
    responses=raises(PreconditionRequired) | sends(200, ETAG),
)
async def choose_rules(
    principal: Staff, body: schemas.RulesInput, session: SessionDep, if_match: IfMatch = None
) -> Response:
    return respond(await service.set_rules(session, body, if_match))
