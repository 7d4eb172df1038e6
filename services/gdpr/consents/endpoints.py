from typing import Any

from fastapi import APIRouter

from services.gdpr.consents import schemas, service
from services.gdpr.dependencies import COMMON, Caller
from shared.http.dependencies import LanguageDep, SessionDep

router = APIRouter(**COMMON)


@router.get("/gdpr/consents/me", response_model=schemas.Consents)
async def list_consents(who: Caller, session: SessionDep, language: LanguageDep) -> dict[str, Any]:
    return {"items": await service.of(session, who.id, language)}


@router.put("/gdpr/consents/me", response_model=schemas.Consents)
async def answer_consents(
    answers: schemas.ConsentAnswers, who: Caller, session: SessionDep, language: LanguageDep
) -> dict[str, Any]:
    """Those not named stay as they are."""
    await service.say(session, who.id, answers.model_dump()["items"], language)
    return {"items": await service.of(session, who.id, language)}
