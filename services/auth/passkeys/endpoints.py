"""Endpoints of passkeys (WebAuthn)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from domain.clock import to_copenhagen
from services.auth.dependencies import Anyone, ClientDep, ContextDep, SignedIn
from services.auth.errors import InvalidPasskey, PasskeyLimit, PasskeyRefused, ReauthenticationNeeded, WrongPassword
from services.auth.passkeys import service
from services.auth.passkeys.schemas import (
    NewPasskey,
    Options,
    PasskeyChange,
    PasskeyLogin,
    PasskeyOut,
    Passkeys,
    PasskeyStart,
)
from services.auth.sessions.schemas import TokenPair
from services.auth.sessions.serializers import cookie_token_pair, forbid_caching, token_pair
from shared.http.dependencies import SessionDep
from shared.openapi.operations import CACHE_CONTROL, SET_COOKIE, raises, sends

router = APIRouter(tags=["auth"], dependencies=[Depends(forbid_caching)])
PATH = "/api/v1/auth/passkeys"


def _out(row: Any) -> PasskeyOut:
    used = to_copenhagen(row.last_used_at) if row.last_used_at else None
    return PasskeyOut(id=row.id, name=row.name, created_at=to_copenhagen(row.created_at), last_used_at=used)


@router.post(
    f"{PATH}/options",
    summary="Begin to add a passkey",
    responses=raises(ReauthenticationNeeded, WrongPassword) | sends(200, CACHE_CONTROL),
)
async def start_passkey(
    principal: SignedIn, context: ContextDep, client: ClientDep, body: PasskeyStart | None = None
) -> Options:
    """Options for navigator.credentials.create(). Needs the password later than ten minutes after the login."""
    password = body.password if body else None
    return Options(options=await service.start_registration(context, principal, password, client))


@router.post(
    PATH,
    status_code=201,
    summary="Add a passkey",
    responses=raises(PasskeyRefused, PasskeyLimit) | sends(201, CACHE_CONTROL),
)
async def add_passkey(body: NewPasskey, principal: SignedIn, context: ContextDep) -> PasskeyOut:
    """Takes what the browser made of the options, within five minutes, once."""
    credential = body.credential.as_json()
    return _out(await service.register(context, principal, body.name, credential))


@router.get(PATH, summary="List your passkeys", responses=sends(200, CACHE_CONTROL))
async def list_passkeys(principal: SignedIn, session: SessionDep) -> Passkeys:
    return Passkeys(items=[_out(row) for row in await service.list_own(session, principal)])


@router.patch(f"{PATH}/{{passkey_id}}", summary="Name a passkey", responses=sends(200, CACHE_CONTROL))
async def rename_passkey(passkey_id: UUID, body: PasskeyChange, principal: SignedIn, session: SessionDep) -> PasskeyOut:
    return _out(await service.rename(session, principal, passkey_id, body.name))


@router.delete(
    f"{PATH}/{{passkey_id}}",
    status_code=204,
    response_class=Response,
    summary="Remove a passkey",
    responses=sends(204, CACHE_CONTROL),
)
async def remove_passkey(passkey_id: UUID, principal: SignedIn, session: SessionDep) -> None:
    await service.remove(session, principal, passkey_id)


@router.post(f"{PATH}/login-options", summary="Begin to log in with a passkey", responses=sends(200, CACHE_CONTROL))
async def start_passkey_login(context: ContextDep, _: Anyone) -> Options:
    """Options for navigator.credentials.get(). They name nobody: the passkey says whose it is."""
    return Options(options=await service.start_login(context))


@router.post(
    f"{PATH}/login",
    response_model_exclude_none=True,
    summary="Log in with a passkey",
    responses=raises(InvalidPasskey) | sends(200, CACHE_CONTROL, SET_COOKIE),
)
async def log_in_with_passkey(
    body: PasskeyLogin, context: ContextDep, client: ClientDep, response: Response, _: Anyone
) -> TokenPair:
    """Answers as a login with a password does. A passkey counts as both factors, for it verifies its user."""
    tokens = await service.log_in(context, body.credential.as_json(), client)
    return cookie_token_pair(tokens, context, response) if body.session == "cookie" else token_pair(tokens)
