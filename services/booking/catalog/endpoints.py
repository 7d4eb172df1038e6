from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from domain.roles import Role
from services.booking.catalog import schemas
from services.booking.catalog import service as catalog
from services.booking.catalog.queries import Filter
from services.booking.dependencies import Cursor, IfMatch, Limit, Visitor
from services.booking.serializers import answer
from shared.database.autocommit import json_response
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Page
from shared.identity.access import allow
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1")

Salon = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]


@router.get("/services", response_model=Page[schemas.Treatment])
async def list_treatments(
    who: Visitor,
    database: DatabaseDep,
    spoken: LanguageDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    lang: Annotated[str | None, Query(pattern="^(da|en)$")] = None,
    category: Annotated[str | None, Query(max_length=50)] = None,
    include_inactive: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    wanted = Filter(category, include_inactive)
    return json_response(await catalog.search(database, who, lang or spoken, q, wanted, cursor, limit))


@router.post("/services", status_code=201, response_model=schemas.Treatment)
async def create_treatment(
    who: Salon, asked: schemas.TreatmentInput, session: SessionDep, language: LanguageDep, key: IdempotencyKey = None
) -> Response:
    created = await catalog.create(session, who, asked, key, language)
    return answer(created, 201, Location=f"/api/v1/services/{created['id']}")


@router.get("/services/{treatment_id}", response_model=schemas.Treatment)
async def get_treatment(who: Visitor, treatment_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    version, found = await catalog.treatment(database, treatment_id, language)
    return json_response(found, ETag=f'"{version}"')


@router.put("/services/{treatment_id}", response_model=schemas.Treatment)
async def replace_treatment(
    who: Salon,
    treatment_id: UUID,
    asked: schemas.TreatmentInput,
    session: SessionDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    return answer(await catalog.replace(session, treatment_id, asked, if_match, language))


@router.delete("/services/{treatment_id}", status_code=204, response_class=Response)
async def archive_treatment(
    who: Salon, treatment_id: UUID, session: SessionDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    await catalog.archive(session, treatment_id, if_match, language)
    return Response(status_code=204)
