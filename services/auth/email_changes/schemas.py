"""HTTP models of a change of the own address."""

from pydantic import Field

from services.auth.one_time_tokens.schemas import Token
from services.auth.passwords.schemas import AnyPassword
from services.auth.users.schemas import EmailAddress
from shared.http.schemas import Input


class EmailChange(Input):
    email: EmailAddress = Field(examples=["sofie@salon.example.dk"])
    password: AnyPassword | None = None


class EmailConfirmation(Input):
    token: Token
