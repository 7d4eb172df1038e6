"""HTTP models of registering and of verifying an address."""

from typing import Literal

from services.auth.one_time_tokens.schemas import Token
from services.auth.passwords.schemas import NewPassword
from services.auth.users.schemas import EmailAddress, Language, Name, Phone
from shared.http.schemas import Input, Schema


class Registration(Input):
    email: EmailAddress
    full_name: Name
    password: NewPassword | None = None
    phone: Phone | None = None
    language: Language = "da"


class Registered(Schema):
    status: Literal["registered"] = "registered"


class Verification(Input):
    token: Token
