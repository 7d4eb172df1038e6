"""HTTP models with passwords."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from services.auth.one_time_tokens.schemas import Token
from services.auth.passwords.rules import check_password
from shared.http.schemas import Input

# White space at either end is part of a password.
AnyPassword = Annotated[
    str, StringConstraints(max_length=1024, strip_whitespace=False), Field(examples=["fem-gule-citroner"])
]
NewPassword = Annotated[AnyPassword, AfterValidator(check_password)]


class PasswordReset(Input):
    token: Token
    new_password: NewPassword = Field(examples=["seks-blå-citroner"])


class PasswordChange(Input):
    old_password: AnyPassword
    new_password: NewPassword = Field(examples=["seks-blå-citroner"])
