"""The caller's consents over HTTP."""

from typing import Any

from fastapi import APIRouter

from services.gdpr.consents import schemas, service
from services.gdpr.dependencies import ROUTER, Caller
from services.gdpr.errors import ConsentTextChanged, UnknownPurpose
from shared.http.dependencies import LanguageDep, SessionDep
from shared.openapi.operations import raises

router = APIRouter(**ROUTER)


@router.get("/gdpr/consents/me", response_model=schemas.Consents, summary="Read the caller's consents")
async def list_consents(principal: Caller, session: SessionDep, language: LanguageDep) -> dict[str, Any]:
    return {"items": await service.list_consents(session, principal.id, language)}


@router.put(
    "/gdpr/consents/me",
    response_model=schemas.Consents,
    summary="Give or withdraw consent",
    responses=raises(ConsentTextChanged, UnknownPurpose),
)
async def answer_consents(
    body: schemas.ConsentAnswers, principal: Caller, session: SessionDep, language: LanguageDep
) -> dict[str, Any]:
    """Purposes that are not named stay as they are. Giving consent needs the version of the current text; withdrawing
    it does not."""
    await service.answer_consents(session, principal.id, body.model_dump()["items"], language)
    return {"items": await service.list_consents(session, principal.id, language)}
