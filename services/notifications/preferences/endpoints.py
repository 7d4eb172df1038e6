"""HTTP endpoints of a person's own preferences."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from services.notifications.preferences import schemas, service
from shared.http.dependencies import SessionDep
from shared.identity.access import SIGNED_IN
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1/notifications/preferences")

Caller = Annotated[Principal, SIGNED_IN]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]


@router.get("", response_model=schemas.Preferences)
async def get_preferences(principal: Caller, session: SessionDep, response: Response) -> dict[str, Any]:
    return _tagged(await service.get_preferences(session, principal.id), response)


@router.put("", response_model=schemas.Preferences)
async def put_preferences(
    principal: Caller,
    request: schemas.PreferencesRequest,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    return _tagged(await service.put_preferences(session, principal.id, request, if_match), response)


def _tagged(preferences: dict[str, Any], response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{preferences["version"]}"'
    return preferences
