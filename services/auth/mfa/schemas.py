"""HTTP models of the second factor."""

from typing import Annotated

from pydantic import Field

from services.auth.passwords.schemas import AnyPassword
from shared.http.schemas import Input, Schema

Code = Annotated[str, Field(min_length=6, max_length=40)]


class Enroll(Input):
    password: AnyPassword | None = None


class EnrolmentOut(Schema):
    secret: str
    otpauth_uri: str


class CodeIn(Input):
    code: Code


class RecoveryCodes(Schema):
    recovery_codes: list[str]
