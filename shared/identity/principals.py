"""The caller that a verified token names, and the claims that a transaction carries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from keys.tokens import InvalidToken
from shared.observability.context import current


@dataclass(frozen=True)
class Principal:
    id: UUID
    role: str
    session_id: UUID
    logged_in_at: int = 0  # seconds since 1970; a refreshed token keeps the time of the login
    limited_to: UUID | None = None  # the one thing that the caller may reach, such as by the link of a mail


@dataclass(frozen=True)
class Claims:
    """The claims that Row Level Security reads, in `request.jwt.claims` as with PostgREST and Neon."""

    role: str
    sub: UUID | None = None
    session_id: UUID | None = None
    limited_to: UUID | None = None

    def as_json(self) -> str:
        context = current()
        values = {
            "role": self.role,
            "sub": self.sub,
            "sid": self.session_id,
            "limited_to": self.limited_to,
            "request_id": context.request_id,
            "traceparent": context.traceparent,
            "actor_id": context.actor_id or self.sub,
            "actor_role": context.actor_role or self.role,
        }
        present = {key: value for key, value in values.items() if value is not None}
        return orjson.dumps(present, default=str).decode()  # orjson does not know the driver's UUID class


SERVICE_CLAIMS = Claims(role="service")
ANONYMOUS_CLAIMS = Claims(role="anonymous")


def claims_of(principal: Principal | None) -> Claims:
    if principal is None:
        return ANONYMOUS_CLAIMS
    return Claims(principal.role, principal.id, principal.session_id, principal.limited_to)


def principal_from(claims: dict[str, Any]) -> Principal:
    """Raises InvalidToken if a verified token does not name a person, a role and a session."""
    try:
        return Principal(UUID(claims["sub"]), claims["role"], UUID(claims["sid"]), int(claims.get("auth_time", 0)))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InvalidToken("claims") from error
