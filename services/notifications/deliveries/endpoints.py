"""HTTP endpoints with which the salon looks at deliveries and sends one again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from domain.people import PersonId
from domain.roles import Role
from services.notifications.deliveries import schemas, service
from services.notifications.errors import DeliveryBusy, DeliveryContentDeleted
from shared.http.dependencies import SessionDep
from shared.http.pagination import Cursor, Limit, Page
from shared.identity.access import allow
from shared.identity.principals import Principal
from shared.openapi.operations import raises

router = APIRouter(prefix="/api/v1/notifications/deliveries")

Salon = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]


@router.get("", response_model=Page[schemas.Delivery], summary="List deliveries and their outcomes")
async def list_deliveries(
    principal: Salon,
    session: SessionDep,
    status: Annotated[list[schemas.Status] | None, Query()] = None,
    recipient_id: PersonId | None = None,
    booking_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first. The read is audited."""
    conditions = {"status": status, "recipient_id": recipient_id, "booking_id": booking_id}
    return await service.list_deliveries(session, principal, conditions, cursor, limit)


@router.post(
    "/{delivery_id}/resend",
    status_code=202,
    response_model=schemas.Delivery,
    summary="Send a delivery again",
    responses=raises(DeliveryBusy, DeliveryContentDeleted),
)
async def resend_delivery(principal: Salon, delivery_id: UUID, session: SessionDep) -> Any:
    return await service.resend(session, principal, delivery_id)
