from typing import Any

from fastapi import APIRouter

from services.gdpr.dependencies import COMMON, Admin
from services.gdpr.processing_records import schemas, service
from services.gdpr.settings import GdprSettings
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep

router = APIRouter(**COMMON)


@router.get("/gdpr/processing-records", response_model=schemas.ProcessingRecord)
async def get_processing_record(
    who: Admin, session: SessionDep, runtime: RuntimeDep, language: LanguageDep
) -> dict[str, Any]:
    assert isinstance(runtime.settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
    return await service.record(session, runtime.settings, language)
