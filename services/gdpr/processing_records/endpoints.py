"""The record of processing activities over HTTP."""

from typing import Any

from fastapi import APIRouter

from services.gdpr.dependencies import ROUTER, Admin
from services.gdpr.processing_records import schemas, service
from services.gdpr.settings import GdprSettings
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep

router = APIRouter(**ROUTER)


@router.get(
    "/gdpr/processing-records",
    response_model=schemas.ProcessingRecord,
    summary="Read the record of processing activities (Art. 30)",
)
async def get_processing_record(
    principal: Admin, session: SessionDep, runtime: RuntimeDep, language: LanguageDep
) -> dict[str, Any]:
    assert isinstance(runtime.settings, GdprSettings)  # noqa: S101 - SERVICE names this class
    return await service.get_record(session, runtime.settings, language)
