from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from domain.clock import copenhagen
from services.auth import mfa, users
from services.auth.api.access import Admin, SignedIn, Staff
from services.auth.errors import VersionNeeded
from services.auth.schemas import Invitation, OwnPatch, RoleChange, UserOut, UserPatch
from shared.http.dependencies import SessionDep
from shared.http.idempotency import IdempotencyKey, fingerprint, once
from shared.http.pagination import Page, decode_cursor, encode_cursor

router = APIRouter(tags=["users"])
IfMatch = Annotated[str | None, Header(max_length=100)]


def _user(row: Any, response: Response) -> UserOut:
    response.headers["ETag"] = f'"{row.version}"'
    return _shown(row)


def _shown(row: Any) -> UserOut:
    shown = UserOut.model_validate(row)
    return shown.model_copy(update={"created_at": copenhagen(shown.created_at)})


def _changes(body: OwnPatch) -> dict[str, Any]:
    """What the body names; only a phone number can be taken away."""
    named = body.model_dump(exclude_unset=True)
    return {name: value for name, value in named.items() if value is not None or name == "phone"}


@router.get("/api/v1/users/me")
async def get_me(who: SignedIn, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.existing(session, who.id), response)


@router.patch("/api/v1/users/me")
async def change_me(
    body: OwnPatch, who: SignedIn, session: SessionDep, response: Response, if_match: IfMatch = None
) -> UserOut:
    """Change what the body names; with If-Match only if nobody changed it meanwhile."""
    return _user(await users.update(session, who.id, if_match, **_changes(body)), response)


@router.get("/api/v1/users")
async def list_users(
    who: Staff,
    session: SessionDep,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[UserOut]:
    """Search by name or e-mail, oldest first."""
    after = decode_cursor(cursor, datetime, UUID) if cursor else None
    rows, more = await users.listed(session, who, q, (after[0], after[1]) if after else None, limit)
    next_cursor = encode_cursor(rows[-1].created_at, rows[-1].id) if more else None
    return Page(items=[_shown(row) for row in rows], next_cursor=next_cursor)


@router.post("/api/v1/users", status_code=201)
async def create_user(
    body: Invitation, who: Admin, session: SessionDep, response: Response, key: IdempotencyKey = None
) -> UserOut:
    """A user of any role, who is mailed a link to set a password."""

    async def invite() -> dict[str, Any]:
        values = body.model_dump() | {"phone": users.normal_phone(body.phone)}
        return _shown(await users.invite(session, **values)).model_dump(mode="json")

    added = await once(session, who.id, key, fingerprint("users", body.model_dump_json()), invite)
    response.headers["Location"] = f"/api/v1/users/{added['id']}"
    response.headers["ETag"] = f'"{added["version"]}"'
    return UserOut.model_validate(added)


@router.get("/api/v1/users/{user_id}")
async def get_user(user_id: UUID, who: Staff, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.read(session, who, user_id), response)


@router.patch("/api/v1/users/{user_id}")
async def change_user(
    user_id: UUID, body: UserPatch, _: Admin, session: SessionDep, response: Response, if_match: IfMatch = None
) -> UserOut:
    """Needs If-Match. A new address is mailed a link to verify it."""
    if if_match is None:
        raise VersionNeeded
    return _user(await users.update(session, user_id, if_match, **_changes(body)), response)


@router.put("/api/v1/users/{user_id}/role")
async def change_role(user_id: UUID, body: RoleChange, _: Admin, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.set_role(session, user_id, body.role), response)


@router.delete("/api/v1/users/{user_id}", status_code=204, response_class=Response)
async def deactivate_user(user_id: UUID, _: Admin, session: SessionDep) -> None:
    await users.deactivate(session, user_id)


@router.post("/api/v1/users/{user_id}/reactivate")
async def reactivate_user(user_id: UUID, _: Admin, session: SessionDep, response: Response) -> UserOut:
    return _user(await users.reactivate(session, user_id), response)


@router.delete("/api/v1/users/{user_id}/mfa", status_code=204, response_class=Response)
async def remove_mfa(user_id: UUID, who: Admin, session: SessionDep) -> None:
    """When the phone and the recovery codes are lost: switches the second factor off and ends the user's sessions. Make
    sure who asks for it."""
    await mfa.remove(session, who, user_id)
