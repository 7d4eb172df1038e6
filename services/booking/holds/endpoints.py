"""Endpoints of holds."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.holds import schemas, service
from services.booking.serializers import respond
from services.booking.visitors.errors import AlreadyProlonged, TooManyRequests
from services.booking.visitors.service import VisitDep
from shared.http.browsers import set_browser_cookie
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.identity.access import ANYONE
from shared.openapi.operations import LOCATION, SET_COOKIE, raises, sends

router = APIRouter(prefix="/api/v1/bookings/holds", dependencies=[ANYONE])


@router.post(
    "",
    status_code=201,
    response_model=schemas.Hold,
    summary="Hold a time for 15 minutes",
    responses=raises(*errors.UNBOOKABLE, *errors.WRONG_CUSTOMER, TooManyRequests) | sends(201, LOCATION, SET_COOKIE),
)
async def hold_time(
    visit: VisitDep,
    body: schemas.HoldRequest,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """Without a token the hold belongs to the browser, which is known by a cookie. How many times can be held without
    a token is limited for each network. An earlier hold of the same person or browser ends.

    Staff may hold for a customer. Locticians hold for themselves, and may book for a customer with that hold."""
    hold = await service.hold(database, visit, body, key, language)
    response = respond(hold, 201, Location=f"/api/v1/bookings/holds/{hold['id']}")
    if visit.principal is None:
        set_browser_cookie(response, visit.browser)
    return response


@router.post(
    "/{hold_id}/prolong",
    response_model=schemas.Hold,
    summary="Prolong a hold, once",
    responses=raises(AlreadyProlonged),
)
async def prolong_hold(visit: VisitDep, hold_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    """The hold ends 15 minutes from now. That is possible once, before it has ended."""
    return respond(await service.prolong(database, visit, hold_id, language))


@router.delete("/{hold_id}", status_code=204, response_class=Response, summary="Release a held time")
async def release_hold(visit: VisitDep, hold_id: UUID, database: DatabaseDep) -> Response:
    await service.release(database, visit.caller, hold_id, visit.claims)
    return Response(status_code=204)
