from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from services.auth.users import normal_address
from shared.auth import Role
from shared.schemas import Input, Schema

Address = Annotated[str, Field(max_length=254), AfterValidator(normal_address)]
# White space at either end is part of a password.
NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=128, strip_whitespace=False)]
GivenPassword = Annotated[str, StringConstraints(max_length=1024, strip_whitespace=False)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Language = Literal["da", "en"]


class Registration(Input):
    email: Address
    password: NewPassword
    full_name: Name
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Language = "da"


class Registered(Schema):
    status: Literal["registered"] = "registered"


class Login(Input):
    # Not checked as an address: what cannot be one is simply unknown.
    email: Annotated[str, Field(max_length=254)]
    password: GivenPassword


class Refresh(Input):
    refresh_token: Annotated[str, Field(min_length=1, max_length=512)]


class TokenPair(Schema):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token (RFC 6750), not a secret
    expires_in: int


class PasswordChange(Input):
    old_password: GivenPassword
    new_password: NewPassword


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


class UserPatch(Input):
    full_name: Name | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Language | None = None


class RoleChange(Input):
    role: Role
