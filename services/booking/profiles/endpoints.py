"""Endpoints of the locticians' profiles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.booking.dependencies import Employee, Visitor
from services.booking.errors import NotYourProfile, SalonOnly
from services.booking.profiles import schemas, service
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import respond
from services.booking.slots.errors import UnknownTreatment
from shared.errors import PreconditionRequired
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.pagination import Cursor, Limit, Page
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix="/api/v1/locticians")


async def _shows_portfolio(request: Request) -> bool:
    enabled: bool = request.app.state.runtime.settings.enable_instagram
    return enabled


ShowsPortfolio = Annotated[bool, Depends(_shows_portfolio)]


@router.get("", response_model=Page[schemas.Loctician], summary="List the locticians", responses=raises(SalonOnly))
async def list_locticians(
    principal: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    include_inactive: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    profiles = await service.list_profiles(
        database, principal, language, cursor, limit, include_inactive=include_inactive
    )
    return respond(profiles)


@router.get(
    "/{loctician_id}",
    response_model=schemas.LocticianProfile,
    summary="Read a loctician's profile",
    responses=sends(200, ETAG),
)
async def get_loctician(
    principal: Visitor,
    loctician_id: LocticianId,
    show_portfolio: ShowsPortfolio,
    session: SessionDep,
    language: LanguageDep,
) -> Response:
    profile = await service.get(session, principal, loctician_id, language, show_portfolio=show_portfolio)
    return respond(profile)


@router.put(
    "/{loctician_id}",
    response_model=schemas.LocticianProfile,
    summary="Change a loctician's profile",
    responses=raises(NotYourProfile, UnknownTreatment, PreconditionRequired) | sends(200, ETAG),
)
async def replace_loctician(
    principal: Employee,
    loctician_id: LocticianId,
    body: schemas.ProfileInput,
    show_portfolio: ShowsPortfolio,
    session: SessionDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    profile = await service.replace(
        session, principal, loctician_id, body, if_match, language, show_portfolio=show_portfolio
    )
    return respond(profile)
