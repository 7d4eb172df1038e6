"""Endpoints of requests."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.requests import schemas, service
from services.booking.requests.errors import AlreadySignedIn
from services.booking.serializers import Answer, respond
from services.booking.slots import errors as slot_errors
from services.booking.visitors.errors import TooManyRequests
from services.booking.visitors.service import Visit, VisitDep
from shared.http.browsers import set_browser_cookie
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.identity.access import ANYONE
from shared.openapi.operations import LOCATION, SET_COOKIE, raises, sends

router = APIRouter(prefix="/api/v1", dependencies=[ANYONE])


@router.post(
    "/bookings/requests",
    status_code=202,
    response_model=schemas.Requested,
    summary="Ask for a time without an account",
    responses=raises(*errors.UNBOOKABLE, errors.HoldLapsed, TooManyRequests, AlreadySignedIn)
    | sends(202, LOCATION, SET_COOKIE),
)
async def ask_for_time(
    visit: VisitDep,
    body: schemas.TimeRequest,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """The time is kept for 30 minutes, at most until it starts, and a link is mailed. Whoever presses the button behind
    the link has proven the address: the time is booked for the account with it, which is made if there is none. The
    answer is the same for every address. How many requests may wait is limited for an address and a network."""
    return _accepted(await service.ask_for_time(database, visit, body, key, language), visit)


@router.post(
    "/waitlist/requests",
    status_code=202,
    response_model=schemas.Requested,
    summary="Ask for a place on the waitlist without an account",
    responses=raises(*slot_errors.UNKNOWN, slot_errors.InPast, TooManyRequests, AlreadySignedIn)
    | sends(202, LOCATION, SET_COOKIE),
)
async def ask_to_wait(
    visit: VisitDep,
    body: schemas.WishRequest,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """As a request for a time, but nothing is kept: the wish joins the waitlist when the address is proven."""
    return _accepted(await service.ask_to_wait(database, visit, body, key, language), visit)


def _accepted(answer: Answer, visit: Visit) -> Response:
    response = respond(answer, 202, Location=f"/api/v1/bookings/requests/{answer['id']}")
    set_browser_cookie(response, visit.browser)
    return response


@router.get(
    "/bookings/requests/{request_id}",
    response_model=schemas.RequestState,
    summary="See what became of a request",
)
async def read_request(request_id: UUID, secret: schemas.Secret, database: DatabaseDep) -> Response:
    """With the secret that the request was answered with."""
    return respond(await service.find(database, request_id, secret))
