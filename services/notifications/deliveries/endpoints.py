"""HTTP endpoints with which the salon looks at deliveries and sends one again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from domain.roles import Role
from services.notifications.deliveries import schemas, service
from shared.http.dependencies import SessionDep
from shared.http.pagination import Page
from shared.identity.access import allow
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1/notifications/deliveries")

Salon = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]


@router.get("", response_model=Page[schemas.Delivery])
async def list_deliveries(
    principal: Salon,
    session: SessionDep,
    status: schemas.Status | None = None,
    recipient_id: UUID | None = None,
    booking_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    conditions = {"status": status, "recipient_id": recipient_id, "booking_id": booking_id}
    return await service.list_deliveries(session, principal, conditions, cursor, limit)


@router.post("/{delivery_id}/resend", status_code=202, response_model=schemas.Delivery)
async def resend_delivery(principal: Salon, delivery_id: UUID, session: SessionDep) -> Any:
    return await service.resend(session, principal, delivery_id)
