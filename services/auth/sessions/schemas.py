"""HTTP models of tokens and sessions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from domain.roles import Role
from services.auth.one_time_tokens.schemas import TOKEN, Token
from shared.http.schemas import Input, Schema

ACCESS_TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjIwMjYifQ.eyJzdWIiOiIwMTk2YjZhMCJ9.c2lnbmF0dXJl"  # noqa: S105 - an example


class Refresh(Input):
    refresh_token: Token


class TokenPair(Schema):
    """`refresh_token` in a token session. `csrf_token` in a cookie session, whose refresh token is in the cookie."""

    access_token: str = Field(examples=[ACCESS_TOKEN])
    refresh_token: str | None = Field(default=None, examples=[TOKEN])
    csrf_token: str | None = Field(default=None, examples=[TOKEN])
    needs_second_factor: bool | None = Field(
        default=None,
        description="True: until a second factor or a passkey is added, the access token has a customer's rights only. "
        "Refresh afterwards",
        examples=[True],
    )
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token (RFC 6750), not a secret
    expires_in: int = Field(description="Seconds until the access token expires", examples=[1800])


class SessionOut(Schema):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime = Field(description="When it ends if it is not used until then")
    device: str | None = Field(description="As the program itself says", examples=["Firefox, Linux"])
    user_agent: str | None = Field(examples=["Firefox on Fedora"])
    address: str | None = Field(description="From where it was signed in", examples=["192.0.2.17"])
    network: str | None = Field(description="The network of the address", examples=["192.0.2.0/24"])
    current: bool


class SessionUser(Schema):
    id: UUID
    full_name: str = Field(examples=["Sofie Ærø"])
    email: str = Field(examples=["sofie@example.dk"])
    role: Role
    language: Literal["da", "en"]


class SessionState(Schema):
    user: SessionUser | None = Field(description="null when nobody is signed in")
    csrf_token: str | None = Field(description="In a cookie session: what X-CSRF-Token must be", examples=[TOKEN])


class Sessions(Schema):
    items: list[SessionOut]


class Ticket(Schema):
    ticket: str = Field(examples=[ACCESS_TOKEN])
    expires_in: int = Field(description="Seconds until the ticket expires", examples=[30])
