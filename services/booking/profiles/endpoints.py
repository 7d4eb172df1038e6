"""Endpoints of the locticians' profiles."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from services.booking.catalog.schemas import TreatmentId
from services.booking.dependencies import CACHED, CachingDep, Employee, Visitor
from services.booking.errors import NotYourProfile, SalonOnly
from services.booking.profiles import schemas, service
from services.booking.profiles.queries import Filter
from services.booking.profiles.schemas import LocticianId
from services.booking.serializers import cacheable, respond
from services.booking.slots.errors import UnknownTreatment
from shared.errors import PreconditionRequired
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.pagination import Cursor, Limit, Page
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix="/api/v1/locticians")

PerformedIds = Annotated[
    list[TreatmentId], Field(max_length=8, description="Only locticians who perform all of these treatments")
]


async def _shows_portfolio(request: Request) -> bool:
    enabled: bool = request.app.state.runtime.settings.enable_instagram
    return enabled


ShowsPortfolio = Annotated[bool, Depends(_shows_portfolio)]


@router.get(
    "",
    response_model=Page[schemas.Loctician],
    summary="List the locticians",
    responses=raises(SalonOnly) | CACHED,
)
async def list_locticians(
    principal: Visitor,
    database: DatabaseDep,
    caching: CachingDep,
    language: LanguageDep,
    service_id: Annotated[PerformedIds, Query(default_factory=list)],
    include_inactive: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    wanted = Filter(service_id, include_inactive)
    return cacheable(
        orjson.dumps(await service.list_profiles(database, principal, language, wanted, cursor, limit)), caching
    )


@router.get(
    "/{loctician_id}",
    response_model=schemas.LocticianProfile,
    summary="Read a loctician's profile",
    responses=CACHED,
)
async def get_loctician(
    principal: Visitor,
    loctician_id: LocticianId,
    caching: CachingDep,
    show_portfolio: ShowsPortfolio,
    session: SessionDep,
    language: LanguageDep,
) -> Response:
    profile = await service.get(session, principal, loctician_id, language, show_portfolio=show_portfolio)
    return cacheable(orjson.dumps(profile), caching, profile["version"])


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
