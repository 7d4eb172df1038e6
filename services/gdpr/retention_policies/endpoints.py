from typing import Any

from fastapi import APIRouter

from services.gdpr.dependencies import COMMON, Admin
from services.gdpr.retention_policies import schemas, service
from shared.http.dependencies import SessionDep

router = APIRouter(**COMMON)


@router.get("/gdpr/retention-policies", response_model=schemas.RetentionPolicies)
async def list_policies(who: Admin, session: SessionDep) -> dict[str, Any]:
    return {"items": await service.listed(session)}


@router.put("/gdpr/retention-policies", response_model=schemas.RetentionPolicies)
async def choose_policies(choices: schemas.RetentionChoices, who: Admin, session: SessionDep) -> dict[str, Any]:
    """Those not named stay as they are."""
    chosen = [(one.service, one.policy, one.keep_days) for one in choices.items]
    await service.choose(session, who.id, chosen)
    return {"items": await service.listed(session)}


@router.post("/gdpr/retention-runs", response_model=schemas.RetentionRunStarted, status_code=202)
async def start_retention_run(asked: schemas.RetentionRun, who: Admin, session: SessionDep) -> dict[str, Any]:
    """What each service counts and removes stands in the list of policies once it has."""
    return {"run_id": await service.order(session, dry_run=asked.dry_run), "dry_run": asked.dry_run}
