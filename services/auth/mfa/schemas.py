"""HTTP models of the second factor."""

from typing import Annotated

from pydantic import Field

from services.auth.passwords.schemas import AnyPassword
from shared.http.schemas import Input, Schema

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - an example

Code = Annotated[str, Field(min_length=6, max_length=40, examples=["492039"])]


class Enroll(Input):
    password: AnyPassword | None = None


class EnrolmentOut(Schema):
    secret: str = Field(examples=[SECRET])
    otpauth_uri: str = Field(examples=[f"otpauth://totp/Loctician:sofie%40example.dk?secret={SECRET}"])


class CodeIn(Input):
    code: Code


class RecoveryCodes(Schema):
    recovery_codes: list[str] = Field(examples=[["4fq79-kxm2v", "8hwd3-pxc6n"]])
