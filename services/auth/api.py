from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from services.auth import queries, sessions, users
from services.auth.schemas import (
    Login,
    PasswordChange,
    Refresh,
    Registered,
    Registration,
    RoleChange,
    TokenPair,
    UserOut,
    UserPatch,
)
from services.auth.sessions import Desk, Tokens
from shared.auth import ANYONE, SERVICE_CLAIMS, SIGNED_IN, Principal, Role, allow
from shared.db import SessionDep, transaction
from shared.errors import StaleVersion
from shared.schemas import Page, copenhagen, decode_cursor, encode_cursor

router = APIRouter()
Anyone = Annotated[Principal | None, ANYONE]
SignedIn = Annotated[Principal, SIGNED_IN]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Admin = Annotated[Principal, allow(Role.ADMIN)]


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]


def _pair(tokens: Tokens) -> TokenPair:
    return TokenPair(**vars(tokens))


def _user(row: Any, response: Response) -> UserOut:
    response.headers["ETag"] = f'"{row.version}"'
    return _shown(row)


def _shown(row: Any) -> UserOut:
    shown = UserOut.model_validate(row)
    return shown.model_copy(update={"created_at": copenhagen(shown.created_at)})


@router.post("/api/v1/auth/register", status_code=202, tags=["auth"])
async def register(body: Registration, desk: DeskDep, _: Anyone) -> Registered:
    """Create a customer. The answer is the same for an address that is known already."""
    phone = users.normal_phone(body.phone)
    hashed = await desk.passwords.hash(body.password)
    values = {"email": body.email, "full_name": body.full_name, "phone": phone, "language": body.language}
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await users.register(session, hashed, **values)
    return Registered()


@router.post("/api/v1/auth/login", tags=["auth"])
async def login(body: Login, desk: DeskDep, _: Anyone) -> TokenPair:
    return _pair(await desk.log_in(body.email.lower(), body.password))


@router.post("/api/v1/auth/refresh", tags=["auth"])
async def refresh(body: Refresh, desk: DeskDep, _: Anyone) -> TokenPair:
    """Exchange a refresh token for a new pair. One used before ends its whole session."""
    return _pair(await desk.refresh(body.refresh_token))


@router.post("/api/v1/auth/logout", status_code=204, tags=["auth"])
async def logout(who: SignedIn, session: SessionDep) -> None:
    await sessions.log_out(session, who)


@router.post("/api/v1/auth/change-password", status_code=204, tags=["auth"])
async def change_password(body: PasswordChange, who: SignedIn, desk: DeskDep) -> None:
    """Needs the old password; ends the other sessions."""
    await desk.change_password(who, body.old_password, body.new_password)


@router.get("/.well-known/jwks.json", tags=["keys"])
@router.get("/api/v1/auth/jwks", tags=["keys"])
async def jwks(desk: DeskDep, response: Response, _: Anyone) -> dict[str, Any]:
    """The public keys (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return await desk.keys.document()


@router.get("/.well-known/openid-configuration", tags=["keys"])
async def openid_configuration(desk: DeskDep, _: Anyone) -> dict[str, Any]:
    issuer = desk.settings.public_url
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/api/v1/auth/login",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }


@router.get("/api/v1/users/me", tags=["users"])
async def me(who: SignedIn, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.existing(session, who.id), response)


@router.patch("/api/v1/users/me", tags=["users"])
async def change_me(
    body: UserPatch,
    who: SignedIn,
    session: SessionDep,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> UserOut:
    """Change what the body names; with If-Match only if nobody changed it meanwhile."""
    changes = body.model_dump(exclude_unset=True)
    if "phone" in changes:
        changes["phone"] = users.normal_phone(body.phone)
    changes = {name: value for name, value in changes.items() if value is not None or name == "phone"}
    before = await users.existing(session, who.id, lock=True)
    if if_match is not None and if_match not in {"*", f'"{before.version}"'}:
        raise StaleVersion
    return _user(await users.update(session, who.id, **changes) if changes else before, response)


@router.get("/api/v1/users", tags=["users"])
async def list_users(
    _: Staff,
    session: SessionDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[UserOut]:
    """Search by name or e-mail, oldest first."""
    after = decode_cursor(cursor, datetime, UUID) if cursor else None
    rows = await queries.page(session, q, (after[0], after[1]) if after else None, limit + 1)
    more = encode_cursor(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_shown(row) for row in rows[:limit]], next_cursor=more)


@router.get("/api/v1/users/{user_id}", tags=["users"])
async def get_user(user_id: UUID, _: Staff, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.existing(session, user_id), response)


@router.put("/api/v1/users/{user_id}/role", tags=["users"])
async def put_role(user_id: UUID, body: RoleChange, _: Admin, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.set_role(session, user_id, body.role), response)


@router.delete("/api/v1/users/{user_id}", status_code=204, tags=["users"])
async def deactivate(user_id: UUID, _: Admin, session: SessionDep) -> None:
    await users.deactivate(session, user_id)
