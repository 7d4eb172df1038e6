"""Endpoints: parse, authorise, one use case, respond."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from services.notifications import deliveries, notices, schemas
from shared.auth import SIGNED_IN, Principal, Role, allow
from shared.db import SessionDep
from shared.problems import LanguageDep
from shared.schemas import Page

router = APIRouter(prefix="/api/v1/notifications")

Caller = Annotated[Principal, SIGNED_IN]
Salon = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]


@router.get("", response_model=Page[schemas.Notice])
async def list_notices(
    who: Caller,
    session: SessionDep,
    language: LanguageDep,
    after: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    return await notices.listed(session, who.id, after, cursor, limit, language)


@router.post("/{notice_id}/read", response_model=schemas.Notice)
async def read_notice(who: Caller, notice_id: UUID, session: SessionDep, language: LanguageDep) -> dict[str, Any]:
    return await notices.read(session, who.id, notice_id, language)


@router.get("/deliveries", response_model=Page[schemas.Delivery])
async def list_deliveries(
    who: Salon,
    session: SessionDep,
    status: schemas.Status | None = None,
    recipient_id: UUID | None = None,
    booking_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    conditions = {"status": status, "recipient_id": recipient_id, "booking_id": booking_id}
    return await deliveries.listed(session, conditions, cursor, limit)


@router.post("/deliveries/{delivery_id}/resend", status_code=202, response_model=schemas.Delivery)
async def resend_delivery(who: Salon, delivery_id: UUID, session: SessionDep) -> Any:
    return await deliveries.resend(session, delivery_id)
