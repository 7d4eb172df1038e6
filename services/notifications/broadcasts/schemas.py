"""HTTP models of broadcasts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from domain.clock import copenhagen
from shared.http.schemas import Flag, Input, Schema

LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


Audience = Literal["all", "customer", "loctician", "staff", "admin"]
Purpose = Literal["service", "marketing"]
Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Body = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Title(Input):
    da: Line
    en: Line


class Bodies(Input):
    da: Body
    en: Body


class BroadcastRequest(Input):
    """`service` is what customers and colleagues need to know, such as closing days; all else is `marketing`, which
    reaches only those who have consented to it. Unless it is said, it is taken for marketing."""

    kind: Purpose = "marketing"
    title: Title
    body: Bodies
    audience: Audience
    mail: Flag = False


class Broadcast(Schema):
    """`told` counts those told so far; `done_at` is set once everybody is."""

    id: UUID
    kind: Purpose
    title: dict[str, str]
    body: dict[str, str]
    audience: Audience
    mail: bool
    told: int
    created_at: LocalInstant
    done_at: LocalInstant | None
