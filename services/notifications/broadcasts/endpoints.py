"""HTTP endpoints with which an admin starts and follows a broadcast."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from domain.roles import Role
from services.notifications.broadcasts import schemas, service
from shared.http.dependencies import SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.identity.access import allow
from shared.identity.principals import Principal
from shared.openapi.operations import LOCATION, sends

router = APIRouter(prefix="/api/v1/notifications/broadcast")

Admin = Annotated[Principal, allow(Role.ADMIN)]


@router.post(
    "",
    status_code=202,
    response_model=schemas.Broadcast,
    summary="Start a broadcast",
    responses=sends(202, LOCATION),
)
async def create_broadcast(
    principal: Admin,
    request: schemas.BroadcastRequest,
    session: SessionDep,
    response: Response,
    key: IdempotencyKey = None,
) -> Any:
    """It is sent in the background."""
    broadcast = await service.create_broadcast(session, principal.id, request, key)
    response.headers["Location"] = f"{router.prefix}/{broadcast['id']}"
    return broadcast


@router.get("/{broadcast_id}", response_model=schemas.Broadcast, summary="Read the progress of a broadcast")
async def get_broadcast(_: Admin, broadcast_id: UUID, session: SessionDep) -> Any:
    return await service.get_broadcast(session, broadcast_id)
