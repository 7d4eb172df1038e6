"""Who is calling: access tokens verified against a JWKS, roles, and the claims a transaction carries."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request

from shared.context import act_as, current
from shared.errors import Forbidden, Unauthorized, Unavailable
from shared.tokens import InvalidToken, KeySource, NoKeysError, RemoteJwks, StaticJwks, TokenVerifier

__all__ = [
    "ANONYMOUS_CLAIMS",
    "ANYONE",
    "SERVICE_CLAIMS",
    "SIGNED_IN",
    "Claims",
    "InvalidToken",
    "KeySource",
    "NoKeysError",
    "Principal",
    "RemoteJwks",
    "Role",
    "StaticJwks",
    "TokenVerifier",
    "allow",
    "claims_of",
    "identify",
    "principal_from",
]


class Role(StrEnum):
    CUSTOMER = "customer"
    LOCTICIAN = "loctician"
    STAFF = "staff"
    ADMIN = "admin"


@dataclass(frozen=True)
class Principal:
    id: UUID
    role: Role
    session_id: UUID


@dataclass(frozen=True)
class Claims:
    """What Row Level Security sees, under the name PostgREST and Neon use: `request.jwt.claims`."""

    role: str
    sub: UUID | None = None
    session_id: UUID | None = None

    def as_json(self) -> str:
        context = current()
        values = {
            "role": self.role,
            "sub": self.sub,
            "sid": self.session_id,
            "request_id": context.request_id,
            "traceparent": context.traceparent,
            "actor_id": context.actor_id or self.sub,
            "actor_role": context.actor_role or self.role,
        }
        given = {key: value for key, value in values.items() if value is not None}
        return orjson.dumps(given, default=str).decode()  # the driver's UUIDs are a subclass orjson does not know


SERVICE_CLAIMS = Claims(role="service")
ANONYMOUS_CLAIMS = Claims(role="anonymous")


def claims_of(principal: Principal | None) -> Claims:
    if principal is None:
        return ANONYMOUS_CLAIMS
    return Claims(role=principal.role, sub=principal.id, session_id=principal.session_id)


def principal_from(claims: dict[str, Any]) -> Principal:
    """Raises InvalidToken when a verified token does not name a person, a role and a session."""
    try:
        return Principal(UUID(claims["sub"]), Role(claims["role"]), UUID(claims["sid"]))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InvalidToken("claims") from error


async def identify(request: Request) -> Principal | None:
    """The caller, or None without an Authorization header. A header that does not hold raises Unauthorized; Unavailable
    while auth has never been reached, so that nobody is signed out by that."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer":
        raise Unauthorized
    verifier: TokenVerifier = request.app.state.verifier
    try:
        principal = principal_from(await verifier.verify(token.strip()))
    except NoKeysError as error:
        raise Unavailable from error
    except InvalidToken as error:
        raise Unauthorized from error
    act_as(str(principal.id), principal.role)
    return principal


Identified = Annotated[Principal | None, Depends(identify)]


def allow(*roles: Role) -> Any:
    """A dependency that admits these roles only: 401 for nobody, 403 for another role."""

    async def check(principal: Identified) -> Principal:
        if principal is None:
            raise Unauthorized
        if principal.role not in roles:
            raise Forbidden
        return principal

    return Depends(_declaring(check, frozenset(roles)))


async def _anyone(principal: Identified) -> Principal | None:
    return principal


def _declaring(
    check: Callable[..., Awaitable[Principal | None]], roles: frozenset[Role] | None
) -> Callable[..., Awaitable[Principal | None]]:
    check.__access__ = roles  # type: ignore[attr-defined]
    return check


ANYONE: Any = Depends(_declaring(_anyone, None))
SIGNED_IN: Any = allow(*Role)
