"""Endpoints: parse, authorise, one use case, respond."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from domain.roles import Role
from services.notifications import broadcasts, deliveries, leaving, notices, pages, preferences, schemas
from shared.database.session import transaction
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.http.pagination import Page
from shared.identity.access import ANYONE, SIGNED_IN, allow
from shared.identity.principals import SERVICE_CLAIMS, Principal

router = APIRouter(prefix="/api/v1/notifications")

Anyone = Annotated[Principal | None, ANYONE]
Caller = Annotated[Principal, SIGNED_IN]
Salon = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Admin = Annotated[Principal, allow(Role.ADMIN)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]


@router.get("", response_model=Page[schemas.Notice])
async def list_notices(
    who: Caller,
    session: SessionDep,
    language: LanguageDep,
    after: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first. With `after`, the id of a notice or of a realtime message: what came later, oldest first."""
    return await notices.listed(session, who.id, after, cursor, limit, language)


@router.post("/{notice_id}/read", response_model=schemas.Notice)
async def read_notice(who: Caller, notice_id: UUID, session: SessionDep, language: LanguageDep) -> dict[str, Any]:
    return await notices.read(session, who.id, notice_id, language)


@router.get("/preferences", response_model=schemas.Preferences)
async def get_preferences(who: Caller, session: SessionDep, response: Response) -> dict[str, Any]:
    return _tagged(await preferences.get(session, who.id), response)


@router.put("/preferences", response_model=schemas.Preferences)
async def put_preferences(
    who: Caller, asked: schemas.PreferencesRequest, session: SessionDep, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    return _tagged(await preferences.put(session, who.id, asked, if_match), response)


def _tagged(found: dict[str, Any], response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{found["version"]}"'
    return found


async def _way_out(request: Request) -> leaving.WayOut:
    return leaving.WayOut.of(request.app.state.runtime.settings)


WayOut = Annotated[leaving.WayOut, Depends(_way_out)]
Token = Annotated[str, Path(pattern=leaving.TOKEN)]


@router.get("/unsubscribe/{topic}/{token}", response_class=HTMLResponse)
async def ask_to_unsubscribe(
    _: Anyone, topic: schemas.Switchable, token: Token, way_out: WayOut, language: LanguageDep
) -> HTMLResponse:
    """Where the link in a mail leads. It asks, since programs that look for malice follow links, too."""
    way_out.read(topic, token)
    return HTMLResponse(pages.unsubscribe(topic, language, done=False), headers=pages.headers(language))


@router.post("/unsubscribe/{topic}/{token}", response_class=HTMLResponse)
async def unsubscribe(
    _: Anyone, topic: schemas.Switchable, token: Token, way_out: WayOut, database: DatabaseDep, language: LanguageDep
) -> HTMLResponse:
    """One click in a mail program, or the page's button: no mails of this kind any more (RFC 8058)."""
    user_id = way_out.read(topic, token)
    async with transaction(database, SERVICE_CLAIMS) as session:
        await preferences.switch_off(session, user_id, topic, "mail")
    return HTMLResponse(pages.unsubscribe(topic, language, done=True), headers=pages.headers(language))


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
    return await deliveries.listed(session, who, conditions, cursor, limit)


@router.post("/deliveries/{delivery_id}/resend", status_code=202, response_model=schemas.Delivery)
async def resend_delivery(who: Salon, delivery_id: UUID, session: SessionDep) -> Any:
    return await deliveries.resend(session, who, delivery_id)


@router.post("/broadcast", status_code=202, response_model=schemas.Broadcast)
async def create_broadcast(
    who: Admin, asked: schemas.BroadcastRequest, session: SessionDep, response: Response, key: IdempotencyKey = None
) -> Any:
    begun = await broadcasts.begin(session, who.id, asked, key)
    response.headers["Location"] = f"{router.prefix}/broadcast/{begun['id']}"
    return begun


@router.get("/broadcast/{broadcast_id}", response_model=schemas.Broadcast)
async def get_broadcast(who: Admin, broadcast_id: UUID, session: SessionDep) -> Any:
    return await broadcasts.get(session, broadcast_id)
