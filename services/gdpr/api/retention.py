from typing import Any

from fastapi import APIRouter

from services.gdpr import policies, records, schemas
from services.gdpr.api.common import COMMON, Admin
from services.gdpr.settings import GdprSettings
from shared.http.app import RuntimeDep
from shared.http.dependencies import LanguageDep, SessionDep

router = APIRouter(**COMMON)


@router.get("/gdpr/retention-policies", response_model=schemas.RetentionPolicies)
async def list_policies(who: Admin, session: SessionDep) -> dict[str, Any]:
    return {"items": await policies.listed(session)}


@router.put("/gdpr/retention-policies", response_model=schemas.RetentionPolicies)
async def choose_policies(choices: schemas.RetentionChoices, who: Admin, session: SessionDep) -> dict[str, Any]:
    """Those not named stay as they are."""
    chosen = [(one.service, one.policy, one.keep_days) for one in choices.items]
    await policies.choose(session, who.id, chosen)
    return {"items": await policies.listed(session)}


@router.post("/gdpr/retention-runs", response_model=schemas.RetentionRunStarted, status_code=202)
async def start_retention_run(asked: schemas.RetentionRun, who: Admin, session: SessionDep) -> dict[str, Any]:
    """What each service counts and removes stands in the list of policies once it has."""
    return {"run_id": await policies.order(session, dry_run=asked.dry_run), "dry_run": asked.dry_run}


@router.get("/gdpr/processing-records", response_model=schemas.ProcessingRecord)
async def get_processing_record(
    who: Admin, session: SessionDep, runtime: RuntimeDep, language: LanguageDep
) -> dict[str, Any]:
    assert isinstance(runtime.settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
    return await records.record(session, runtime.settings, language)
