from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from domain.roles import Role
from services.auth.passwords import acceptable
from services.auth.users import normal_address
from shared.http.schemas import Input, Schema

Address = Annotated[str, Field(max_length=254), AfterValidator(normal_address)]
# Not checked as an address: what cannot be one is simply unknown.
GivenAddress = Annotated[str, Field(max_length=254), AfterValidator(str.lower)]
# White space at either end is part of a password.
GivenPassword = Annotated[str, StringConstraints(max_length=1024, strip_whitespace=False)]
NewPassword = Annotated[GivenPassword, AfterValidator(acceptable)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Phone = Annotated[str, Field(max_length=40)]
Token = Annotated[str, Field(min_length=1, max_length=512)]
Code = Annotated[str, Field(min_length=6, max_length=40)]
Language = Literal["da", "en"]


class Registration(Input):
    email: Address
    password: NewPassword
    full_name: Name
    phone: Phone | None = None
    language: Language = "da"


class Registered(Schema):
    status: Literal["registered"] = "registered"


class Requested(Schema):
    """Says nothing of whether anybody has the address."""

    status: Literal["requested"] = "requested"


class Mailing(Input):
    email: GivenAddress


class Verification(Input):
    token: Token


class PasswordReset(Input):
    token: Token
    new_password: NewPassword


class PasswordChange(Input):
    old_password: GivenPassword
    new_password: NewPassword


class Login(Input):
    email: GivenAddress
    password: GivenPassword
    session: Literal["token", "cookie"] = "token"
    code: Code | None = None


class Refresh(Input):
    refresh_token: Token


class TokenPair(Schema):
    """`refresh_token` in a token session; `csrf_token` in a cookie session, whose refresh token no script can read."""

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


class Enroll(Input):
    password: GivenPassword | None = None


class EnrolmentOut(Schema):
    secret: str
    otpauth_uri: str


class CodeIn(Input):
    code: Code


class RecoveryCodes(Schema):
    recovery_codes: list[str]


class UserOut(Schema):
    id: UUID
    email: str
    full_name: str
    phone: str | None
    language: Language
    role: Role
    email_verified: bool
    active: bool
    version: int
    created_at: datetime


class Invitation(Input):
    email: Address
    full_name: Name
    phone: Phone | None = None
    language: Language = "da"
    role: Role = Role.CUSTOMER


class OwnPatch(Input):
    full_name: Name | None = None
    phone: Phone | None = None
    language: Language | None = None


class UserPatch(OwnPatch):
    email: Address | None = None


class RoleChange(Input):
    role: Role


class PublicKey(Schema):
    kty: str
    kid: str
    use: str
    alg: str
    n: str
    e: str


class KeySet(Schema):
    keys: list[PublicKey]


class Configuration(Schema):
    issuer: str
    jwks_uri: str
    token_endpoint: str
    id_token_signing_alg_values_supported: list[str]
    response_types_supported: list[str]
    subject_types_supported: list[str]
