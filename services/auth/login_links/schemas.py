"""HTTP models of signing in by a mailed link or its code."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.auth.mfa.schemas import Code
from shared.http.schemas import Input

MailedCode = Annotated[
    str,
    StringConstraints(pattern=r"^\s*([0-9]\s*){6}$", max_length=20),
    Field(examples=["492 039"], description="The six digits in the mail"),
]


class CodeLogin(Input):
    code: MailedCode
    session: Literal["token", "cookie"] = "token"
    second_factor: Code | None = None
