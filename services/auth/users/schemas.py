"""HTTP models of users."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, Field

from domain.email_addresses import canonical, normalize_email
from domain.people import PersonId, PlainName, phone_number
from domain.roles import Role
from shared.http.schemas import Input, Schema

EMAIL, FULL_NAME, PHONE = "sofie@example.dk", "Sofie Ærø", "+4520123456"  # examples


def _phone_or_none(value: str) -> str | None:
    return phone_number(value) if value else None


EmailAddress = Annotated[str, Field(max_length=254, examples=[EMAIL]), AfterValidator(normalize_email)]
# Not checked: a text that is no e-mail address is an unknown address.
AnyEmail = Annotated[str, Field(max_length=254, examples=[EMAIL]), AfterValidator(canonical)]
Name = Annotated[str, Field(min_length=1, max_length=120, examples=[FULL_NAME]), PlainName]
Phone = Annotated[str, Field(max_length=40, examples=[PHONE]), AfterValidator(_phone_or_none)]
Language = Literal["da", "en"]
UserId = Annotated[PersonId, Path()]


class UserOut(Schema):
    id: UUID
    email: str = Field(examples=[EMAIL])
    full_name: str = Field(examples=[FULL_NAME])
    phone: str | None = Field(examples=[PHONE])
    language: Language
    role: Role
    email_verified: bool
    active: bool
    version: int
    created_at: datetime


class Invitation(Input):
    """`invite: false` mails nothing. The person can still sign in with a mailed link."""

    email: EmailAddress
    full_name: Name
    phone: Phone | None = None
    language: Language = "da"
    role: Role = Role.CUSTOMER
    invite: bool = True


class OwnPatch(Input):
    full_name: Name | None = None
    phone: Phone | None = None
    language: Language | None = None


class UserPatch(OwnPatch):
    email: EmailAddress | None = None


class RoleChange(Input):
    role: Role
