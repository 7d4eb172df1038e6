"""HTTP models of logging in."""

from typing import Literal

from services.auth.mfa.schemas import Code
from services.auth.passwords.schemas import AnyPassword
from services.auth.users.schemas import AnyEmail
from shared.http.schemas import Input


class Login(Input):
    email: AnyEmail
    password: AnyPassword
    session: Literal["token", "cookie"] = "token"
    code: Code | None = None
