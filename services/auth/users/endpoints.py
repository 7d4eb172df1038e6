"""Endpoints of users: their own account, and what staff and admins do with others."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.auth.dependencies import Admin, ContextDep, SignedIn, Staff
from services.auth.errors import (
    AccountAltered,
    AddressTaken,
    CustomersOnly,
    Erased,
    LastAdmin,
    UnmailableAddress,
)
from services.auth.users import service
from services.auth.users.contact_details import require_mailable
from services.auth.users.schemas import Invitation, OwnPatch, RoleChange, UserId, UserOut, UserPatch
from services.auth.users.serializers import user_out, with_etag
from shared.errors import NotFound, PreconditionRequired
from shared.http.dependencies import SessionDep
from shared.http.idempotency import IdempotencyKey, fingerprint, once
from shared.http.pagination import Cursor, Limit, Page, decode_cursor, page
from shared.http.preconditions import IfMatch, etag
from shared.openapi.operations import ETAG, LOCATION, raises, sends

router = APIRouter(tags=["users"])


def _changes(body: OwnPatch) -> dict[str, Any]:
    """The fields that the body names. null removes a phone number; in other fields it changes nothing."""
    fields = body.model_dump(exclude_unset=True)
    return {name: value for name, value in fields.items() if value is not None or name == "phone"}


@router.get("/api/v1/users/me", summary="Read your account", responses=raises(NotFound) | sends(200, ETAG))
async def get_me(principal: SignedIn, session: SessionDep, response: Response) -> UserOut:
    return with_etag(await service.require_user(session, principal.id), response)


@router.patch(
    "/api/v1/users/me",
    summary="Change your account",
    responses=raises(NotFound, AccountAltered) | sends(200, ETAG),
)
async def change_me(
    body: OwnPatch, principal: SignedIn, session: SessionDep, response: Response, if_match: IfMatch = None
) -> UserOut:
    """Changes the fields that the body names; with If-Match only if that version is still current."""
    return with_etag(await service.update_user(session, principal.id, if_match, **_changes(body)), response)


@router.get("/api/v1/users", summary="Search users", response_model=Page[UserOut])
async def list_users(
    principal: Staff,
    session: SessionDep,
    q: Annotated[str | None, Query(max_length=100, examples=["sofie"])] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """Searches names, e-mail addresses and phone numbers for every word of `q`. The oldest user comes first.

    Case, accents and the spelling of a number do not matter; a part of a word is enough.
    """
    after = decode_cursor(cursor, datetime, UUID) if cursor else None
    rows = await service.list_users(session, principal, q, (after[0], after[1]) if after else None, limit)
    return page(rows, limit, key=lambda row: (row.created_at, row.id), item=user_out)


@router.post(
    "/api/v1/users",
    status_code=201,
    summary="Add a user",
    responses=raises(AddressTaken, CustomersOnly, UnmailableAddress) | sends(201, ETAG, LOCATION),
)
async def create_user(
    body: Invitation,
    principal: Staff,
    session: SessionDep,
    context: ContextDep,
    response: Response,
    key: IdempotencyKey = None,
) -> UserOut:
    """Adds a customer, who is mailed a link to set a password unless `invite` is false. Admins add any role."""
    require_mailable(context.settings, body.email)

    async def add() -> dict[str, Any]:
        values = body.model_dump()
        return user_out(await service.add_user(session, principal, **values)).model_dump(mode="json")

    user = await once(session, principal.id, key, fingerprint("users", body.model_dump_json()), add)
    response.headers["Location"] = f"/api/v1/users/{user['id']}"
    response.headers["ETag"] = etag(user["version"])
    return UserOut.model_validate(user)


@router.get("/api/v1/users/{user_id}", summary="Read a user", responses=sends(200, ETAG))
async def get_user(user_id: UserId, principal: Staff, session: SessionDep, response: Response) -> UserOut:
    return with_etag(await service.read_user(session, principal, user_id), response)


@router.patch(
    "/api/v1/users/{user_id}",
    summary="Change a user",
    responses=raises(PreconditionRequired, AddressTaken, CustomersOnly, Erased, AccountAltered, UnmailableAddress)
    | sends(200, ETAG),
)
async def change_user(
    user_id: UserId,
    body: UserPatch,
    principal: Staff,
    session: SessionDep,
    context: ContextDep,
    response: Response,
    if_match: IfMatch = None,
) -> UserOut:
    """Needs If-Match. Staff correct the name, phone number and language of customers; admins change any user. A new
    address is mailed a link to verify it, and the old one is told."""
    if if_match is None:
        raise PreconditionRequired
    if body.email is not None:
        require_mailable(context.settings, body.email)
    return with_etag(await service.correct_user(session, principal, user_id, if_match, **_changes(body)), response)


@router.put(
    "/api/v1/users/{user_id}/role",
    summary="Change a user's role",
    responses=raises(LastAdmin, Erased, AccountAltered) | sends(200, ETAG),
)
async def change_role(user_id: UserId, body: RoleChange, _: Admin, session: SessionDep, response: Response) -> UserOut:
    """Ends the user's sessions, whose access tokens carry the old role."""
    return with_etag(await service.change_role(session, user_id, body.role), response)


@router.delete(
    "/api/v1/users/{user_id}",
    status_code=204,
    response_class=Response,
    summary="Deactivate a user",
    responses=raises(LastAdmin, AccountAltered),
)
async def deactivate_user(user_id: UserId, _: Admin, session: SessionDep) -> None:
    """Ends the user's sessions. Does nothing for a user who is deactivated already."""
    await service.deactivate(session, user_id)


@router.post(
    "/api/v1/users/{user_id}/reactivate",
    summary="Reactivate a user",
    responses=raises(Erased, AccountAltered) | sends(200, ETAG),
)
async def reactivate_user(user_id: UserId, _: Admin, session: SessionDep, response: Response) -> UserOut:
    return with_etag(await service.reactivate(session, user_id), response)
