from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response

from services.calendar.dependencies import PREFIX, SALON, Visitor
from services.calendar.feeds import schemas, service
from shared.errors import NotFound
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.identity.access import SIGNED_IN
from shared.identity.principals import Principal

router = APIRouter(prefix=PREFIX)

Caller = Annotated[Principal, SIGNED_IN]


async def own_or_salon(owner_id: UUID, who: Caller) -> UUID:
    """Everybody has a feed of their own; the salon may give a loctician one."""
    if who.role not in SALON and who.id != owner_id:
        raise NotFound
    return owner_id


Owner = Annotated[UUID, Depends(own_or_salon)]


CALENDAR: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
}


@router.get(
    "/feeds/{token}.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": CALENDAR}}, 304: {"description": "Unchanged"}},
)
async def read_feed(
    who: Visitor,
    token: str,
    database: DatabaseDep,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    found = await service.document(database, token)
    headers = {
        "ETag": found.etag,
        "Last-Modified": found.last_modified,
        "Cache-Control": "private, max-age=300",
        "X-Robots-Tag": "noindex",
    }
    if if_none_match and found.etag in {one.strip().removeprefix("W/") for one in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type="text/calendar")


@router.post("/{owner_id}/feed", status_code=201, response_model=schemas.NewFeed)
async def create_feed(
    who: Caller, owner: Owner, request: Request, session: SessionDep, response: Response, key: IdempotencyKey = None
) -> dict[str, Any]:
    """A new secret address; the one there was ends. A customer's shows own bookings, any other those of a chair."""
    response.headers["Cache-Control"] = "no-store"
    return await service.create(session, who, owner, request.app.state.runtime.settings, key)


@router.get("/{owner_id}/feed", response_model=schemas.Feed)
async def get_feed(owner: Owner, session: SessionDep) -> dict[str, str]:
    """Whether there is one. Its address is told only when it is made."""
    return await service.get(session, owner)


@router.delete("/{owner_id}/feed", status_code=204, response_class=Response)
async def revoke_feed(owner: Owner, session: SessionDep) -> None:
    await service.revoke(session, owner)
