"""HTTP endpoints of a person's own in-app notices."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from services.notifications.inbox import schemas, service
from shared.http.dependencies import LanguageDep, SessionDep
from shared.http.pagination import Cursor, Limit, Page
from shared.identity.access import SIGNED_IN
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1/notifications")

Caller = Annotated[Principal, SIGNED_IN]
After = Annotated[UUID | None, Query(description="The id of a notice or of a realtime message")]


@router.get("", response_model=Page[schemas.Notice], summary="List your notices")
async def list_notices(
    principal: Caller,
    session: SessionDep,
    language: LanguageDep,
    after: After = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first. With `after`, only notices that came later than that one, oldest first."""
    return await service.list_notices(session, principal.id, after, cursor, limit, language)


@router.post("/{notice_id}/read", response_model=schemas.Notice, summary="Mark a notice as read")
async def read_notice(principal: Caller, notice_id: UUID, session: SessionDep, language: LanguageDep) -> dict[str, Any]:
    return await service.mark_read(session, principal.id, notice_id, language)
