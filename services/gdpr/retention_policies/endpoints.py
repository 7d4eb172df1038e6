"""Retention policies and runs over HTTP."""

from typing import Any

from fastapi import APIRouter

from services.gdpr.dependencies import ROUTER, Admin
from services.gdpr.errors import KeepOutOfBounds, UnknownPolicy
from services.gdpr.retention_policies import schemas, service
from shared.http.dependencies import SessionDep
from shared.openapi.operations import raises

router = APIRouter(**ROUTER)


@router.get("/gdpr/retention-policies", response_model=schemas.RetentionPolicies, summary="List the retention policies")
async def list_policies(principal: Admin, session: SessionDep) -> dict[str, Any]:
    return {"items": await service.list_policies(session)}


@router.put(
    "/gdpr/retention-policies",
    response_model=schemas.RetentionPolicies,
    summary="Change how long data is kept",
    responses=raises(UnknownPolicy, KeepOutOfBounds),
)
async def choose_policies(body: schemas.RetentionChoices, principal: Admin, session: SessionDep) -> dict[str, Any]:
    """Policies that are not named stay as they are."""
    periods = [(choice.service, choice.policy, choice.keep_days) for choice in body.items]
    await service.change_periods(session, principal.id, periods)
    return {"items": await service.list_policies(session)}


@router.post(
    "/gdpr/retention-runs",
    response_model=schemas.RetentionRunStarted,
    status_code=202,
    summary="Delete data that was kept long enough, or only count it",
)
async def start_retention_run(body: schemas.RetentionRun, principal: Admin, session: SessionDep) -> dict[str, Any]:
    """The list of policies shows what each service counted and removed, once it has finished."""
    return {"run_id": await service.start_run(session, dry_run=body.dry_run), "dry_run": body.dry_run}
