"""HTTP models that the endpoints with mailed tokens share."""

from typing import Annotated, Literal

from pydantic import Field

from services.auth.users.schemas import AnyEmail
from shared.http.schemas import Input, Schema

TOKEN = "Q2hlY2tzIG5vdGhpbmcsIGp1c3QgYW4gZXhhbXBsZQ"  # noqa: S105 - an example

Token = Annotated[str, Field(min_length=1, max_length=512, examples=[TOKEN])]


class Mailing(Input):
    email: AnyEmail


class Requested(Schema):
    """Does not tell whether the address is known."""

    status: Literal["requested"] = "requested"
