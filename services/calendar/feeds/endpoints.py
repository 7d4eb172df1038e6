"""Calendar feeds over HTTP."""

from datetime import UTC
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from domain.people import PersonId
from services.calendar.dependencies import PREFIX, SALON_ROLES, Anyone
from services.calendar.feeds import schemas, service
from services.calendar.feeds.conditions import is_unchanged
from shared.errors import NotFound
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.identity.access import SIGNED_IN
from shared.identity.principals import Principal
from shared.openapi.operations import CACHE_CONTROL, ETAG, LAST_MODIFIED, sends

router = APIRouter(prefix=PREFIX)

Caller = Annotated[Principal, SIGNED_IN]


async def own_or_salon(owner_id: PersonId, principal: Caller) -> UUID:
    """Staff and admins may create a loctician's feed. Raises NotFound for anybody else but the owner."""
    if principal.role not in SALON_ROLES and principal.id != owner_id:
        raise NotFound
    return owner_id


Owner = Annotated[UUID, Depends(own_or_salon)]

CALENDAR: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
}
FEED_HEADERS = (ETAG, LAST_MODIFIED, CACHE_CONTROL)


@router.get(
    "/feeds/{token}.ics",
    response_class=Response,
    summary="Read a calendar feed",
    responses={
        200: {"content": {"text/calendar": CALENDAR}, **sends(200, *FEED_HEADERS)[200]},
        304: {"description": "Unchanged", **sends(304, *FEED_HEADERS)[304]},
    },
)
async def read_feed(
    principal: Anyone,
    token: Annotated[str, Path(examples=[schemas.TOKEN])],
    database: DatabaseDep,
    if_none_match: Annotated[list[str] | None, Header(examples=[['"9f2c"']])] = None,
    if_modified_since: Annotated[str | None, Header(max_length=100, examples=["Mon, 14 Sep 2026 08:00:00 GMT"])] = None,
) -> Response:
    """For calendar programs, which subscribe to this address (RFC 5545). If-Modified-Since counts without If-None-Match
    only (RFC 9110, 13.2.2)."""
    feed = await service.render_feed(database, token)
    headers = {
        "ETag": feed.etag,
        "Last-Modified": format_datetime(feed.modified.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, max-age=300",
        "X-Robots-Tag": "noindex",
    }
    if is_unchanged(feed.etag, feed.modified, if_none_match or (), if_modified_since):
        return Response(status_code=304, headers=headers)
    return Response(feed.content, headers=headers, media_type="text/calendar")


@router.post(
    "/{owner_id}/feed",
    status_code=201,
    response_model=schemas.NewFeed,
    summary="Create the secret address of a calendar feed",
    responses=sends(201, CACHE_CONTROL),
)
async def create_feed(
    principal: Caller,
    owner: Owner,
    request: Request,
    session: SessionDep,
    response: Response,
    key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Replaces the caller's earlier address. A feed that staff make of another person's appointments stands beside the
    person's own, who is told by mail, and ends with the role of its maker. A customer's feed shows the
    customer's own bookings, any other a loctician's appointments."""
    response.headers["Cache-Control"] = "no-store"
    return await service.create_feed(session, principal, owner, request.app.state.runtime.settings, key)


@router.get("/{owner_id}/feed", response_model=schemas.Feed, summary="Get the calendar feed, without its address")
async def get_feed(principal: Caller, owner: Owner, session: SessionDep) -> dict[str, Any]:
    """The caller's own feed of these appointments. 404 if there is none. The address is shown only when created."""
    return await service.get_feed(session, principal, owner)


@router.delete(
    "/{owner_id}/feed", status_code=204, response_class=Response, summary="Revoke the address of a calendar feed"
)
async def revoke_feed(principal: Caller, owner: Owner, session: SessionDep) -> None:
    """Ends the caller's feed. Owners end with it all feeds that staff hold of their appointments."""
    await service.revoke_feed(session, principal, owner)
