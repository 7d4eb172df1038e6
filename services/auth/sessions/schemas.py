"""HTTP models of tokens and sessions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from services.auth.one_time_tokens.schemas import Token
from shared.http.schemas import Input, Schema


class Refresh(Input):
    refresh_token: Token


class TokenPair(Schema):
    """`refresh_token` in a token session. `csrf_token` in a cookie session, whose refresh token is in the cookie."""

    access_token: str
    refresh_token: str | None = None
    csrf_token: str | None = None
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token (RFC 6750), not a secret
    expires_in: int


class SessionOut(Schema):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    user_agent: str | None
    address: str | None
    current: bool


class Sessions(Schema):
    items: list[SessionOut]


class Ticket(Schema):
    ticket: str
    expires_in: int
