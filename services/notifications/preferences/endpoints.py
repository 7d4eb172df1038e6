"""HTTP endpoints of a person's own preferences."""

from typing import Annotated, Any

from fastapi import APIRouter, Response

from services.notifications.errors import ChannelRequired, PhoneRequired, UnknownChoice
from services.notifications.preferences import schemas, service
from shared.http.dependencies import SessionDep
from shared.http.preconditions import IfMatch, etag
from shared.identity.access import SIGNED_IN
from shared.identity.principals import Principal
from shared.openapi.operations import ETAG, raises, sends

router = APIRouter(prefix="/api/v1/notifications/preferences")

Caller = Annotated[Principal, SIGNED_IN]


@router.get(
    "", response_model=schemas.Preferences, summary="Read your notification preferences", responses=sends(200, ETAG)
)
async def get_preferences(principal: Caller, session: SessionDep, response: Response) -> dict[str, Any]:
    return _with_etag(await service.get_preferences(session, principal.id), response)


@router.put(
    "",
    response_model=schemas.Preferences,
    summary="Change your notification preferences",
    responses=raises(UnknownChoice, PhoneRequired, ChannelRequired) | sends(200, ETAG),
)
async def put_preferences(
    principal: Caller,
    request: schemas.PreferencesRequest,
    session: SessionDep,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    return _with_etag(await service.put_preferences(session, principal.id, request, if_match), response)


def _with_etag(preferences: dict[str, Any], response: Response) -> dict[str, Any]:
    response.headers["ETag"] = etag(preferences["version"])
    return preferences
