from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from domain.roles import Role
from services.booking.dependencies import Cursor, IfMatch, Limit, Visitor
from services.booking.profiles import schemas, service
from services.booking.serializers import answer
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.pagination import Page
from shared.identity.access import allow
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1")

Editor = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]


def _portfolios(request: Request) -> bool:
    enabled: bool = request.app.state.runtime.settings.enable_instagram
    return enabled


@router.get("/locticians", response_model=Page[schemas.Loctician])
async def list_locticians(
    who: Visitor,
    database: DatabaseDep,
    language: LanguageDep,
    include_inactive: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    return answer(await service.find(database, who, language, cursor, limit, everybody=include_inactive))


@router.get("/locticians/{loctician_id}", response_model=schemas.LocticianProfile)
async def get_loctician(
    who: Visitor, loctician_id: UUID, request: Request, session: SessionDep, language: LanguageDep
) -> Response:
    return answer(await service.get(session, who, loctician_id, language, with_portfolio=_portfolios(request)))


@router.put("/locticians/{loctician_id}", response_model=schemas.LocticianProfile)
async def replace_loctician(
    who: Editor,
    loctician_id: UUID,
    asked: schemas.ProfileInput,
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    with_portfolio = _portfolios(request)
    profile = await service.replace(
        session, who, loctician_id, asked, if_match, language, with_portfolio=with_portfolio
    )
    return answer(profile)
