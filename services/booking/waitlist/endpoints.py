"""Endpoints of the waitlist."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.booking import errors
from services.booking.customers.schemas import CustomerId
from services.booking.dependencies import Caller
from services.booking.serializers import respond
from services.booking.slots import errors as slot_errors
from services.booking.waitlist import schemas, service
from shared.http.dependencies import DatabaseDep, LanguageDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Cursor, Limit, Page
from shared.openapi.operations import ETAG, LOCATION, raises, sends

router = APIRouter(prefix="/api/v1/waitlist")


@router.post(
    "",
    status_code=201,
    response_model=schemas.Waiting,
    summary="Join the waitlist",
    responses=raises(
        *slot_errors.UNKNOWN,
        slot_errors.InPast,
        slot_errors.TooFarAhead,
        errors.TooManyWishes,
        *errors.WRONG_CUSTOMER,
        errors.CustomerRequired,
    )
    | sends(201, ETAG, LOCATION),
)
async def join_waitlist(
    principal: Caller,
    body: schemas.WaitRequest,
    database: DatabaseDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    """A time that is free already and suits the wish is offered at once: `status` is `offered`, and `offer` holds the
    time until `expires_at`. Otherwise the wish waits for a time to become free. Book with the offer's `hold_id` to
    accept it, release the hold to decline it. Only staff may name a customer."""
    wish = await service.join(database, principal, body, key, language)
    return respond(wish, 201, Location=f"/api/v1/waitlist/{wish['id']}")


@router.get(
    "",
    response_model=Page[schemas.Waiting],
    summary="List the wishes on the waitlist",
    responses=raises(errors.NotForOthers),
)
async def list_wishes(
    principal: Caller,
    database: DatabaseDep,
    language: LanguageDep,
    customer_id: CustomerId | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    return respond(await service.list_wishes(database, principal, customer_id, cursor, limit, language))


@router.delete("/{waitlist_id}", status_code=204, response_class=Response, summary="Leave the waitlist")
async def leave_waitlist(principal: Caller, waitlist_id: UUID, database: DatabaseDep) -> Response:
    """An open offer of the wish ends, and its time is offered to the next."""
    await service.leave(database, principal, waitlist_id)
    return Response(status_code=204)
