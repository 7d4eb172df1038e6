"""Endpoints of the treatments catalog."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.booking.catalog import schemas, service
from services.booking.catalog.queries import Filter
from services.booking.dependencies import CACHED, CachingDep, Staff, Visitor
from services.booking.errors import SalonOnly
from services.booking.serializers import cacheable, respond
from shared.errors import PreconditionRequired
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Cursor, Limit, Page
from shared.http.preconditions import IfMatch
from shared.openapi.operations import ETAG, LOCATION, raises, sends

router = APIRouter(prefix="/api/v1/services")


@router.get(
    "",
    response_model=Page[schemas.Treatment],
    summary="Search the treatments",
    responses=raises(SalonOnly) | CACHED,
)
async def list_treatments(
    principal: Visitor,
    database: DatabaseDep,
    caching: CachingDep,
    accepted: LanguageDep,
    q: Annotated[str | None, Query(max_length=100, examples=["retwist"])] = None,
    lang: Annotated[str | None, Query(pattern="^(da|en)$", examples=["da"])] = None,
    category: Annotated[str | None, Query(max_length=50, examples=["maintenance"])] = None,
    include_inactive: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    wanted = Filter(category, include_inactive)
    language = lang or accepted
    treatments = await service.search(database, principal, language, q, wanted, cursor, limit)
    return cacheable(treatments, caching, None, **{"Content-Language": language})


@router.post(
    "",
    status_code=201,
    response_model=schemas.Treatment,
    summary="Add a treatment",
    responses=sends(201, ETAG, LOCATION),
)
async def create_treatment(
    principal: Staff,
    body: schemas.TreatmentInput,
    session: SessionDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
) -> Response:
    treatment = await service.create(session, principal, body, key, language)
    return respond(treatment, 201, Location=f"/api/v1/services/{treatment['id']}")


@router.get("/{service_id}", response_model=schemas.Treatment, summary="Read a treatment", responses=CACHED)
async def get_treatment(
    principal: Visitor, service_id: UUID, database: DatabaseDep, caching: CachingDep, language: LanguageDep
) -> Response:
    version, text = await service.get(database, service_id, language)
    return cacheable(text, caching, version)


@router.put(
    "/{service_id}",
    response_model=schemas.Treatment,
    summary="Change a treatment",
    responses=raises(PreconditionRequired) | sends(200, ETAG),
)
async def replace_treatment(
    principal: Staff,
    service_id: UUID,
    body: schemas.TreatmentInput,
    session: SessionDep,
    language: LanguageDep,
    if_match: IfMatch = None,
) -> Response:
    return respond(await service.replace(session, service_id, body, if_match, language))


@router.delete(
    "/{service_id}",
    status_code=204,
    response_class=Response,
    summary="Archive a treatment",
)
async def archive_treatment(
    principal: Staff, service_id: UUID, session: SessionDep, language: LanguageDep, if_match: IfMatch = None
) -> Response:
    await service.archive(session, service_id, if_match, language)
    return Response(status_code=204)
