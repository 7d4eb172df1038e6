from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.booking import catalog
from services.booking.api.common import Cursor, Limit, Visitor, answer
from services.booking.schemas import catalog as schemas
from shared.db import DatabaseDep
from shared.problems import LanguageDep
from shared.schemas import Page

router = APIRouter(prefix="/api/v1")


@router.get("/services", response_model=Page[schemas.Treatment])
async def list_treatments(
    who: Visitor,
    database: DatabaseDep,
    spoken: LanguageDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    lang: Annotated[str | None, Query(pattern="^(da|en)$")] = None,
    category: Annotated[str | None, Query(max_length=50)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    return answer(await catalog.search(database, lang or spoken, q, category, cursor, limit))


@router.get("/services/{treatment_id}", response_model=schemas.Treatment)
async def get_treatment(who: Visitor, treatment_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await catalog.treatment(database, treatment_id, language))


@router.get("/locticians", response_model=Page[schemas.Loctician])
async def list_locticians(
    who: Visitor, database: DatabaseDep, language: LanguageDep, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    return answer(await catalog.profiles(database, language, cursor, limit))


@router.get("/locticians/{loctician_id}", response_model=schemas.Loctician)
async def get_loctician(who: Visitor, loctician_id: UUID, database: DatabaseDep, language: LanguageDep) -> Response:
    return answer(await catalog.profile(database, loctician_id, language))
