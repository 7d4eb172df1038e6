"""HTTP models of broadcasts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from domain.clock import to_copenhagen
from shared.http.schemas import Flag, Input, Schema

LocalInstant = Annotated[datetime, AfterValidator(to_copenhagen)]
Audience = Literal["all", "customer", "loctician", "staff", "admin"]
Purpose = Literal["service", "marketing"]
Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Body = Annotated[str, StringConstraints(min_length=1, max_length=4000)]

TITLE: dict[str, Any] = {"da": "Lukket 24. december", "en": "Closed on 24 December"}
BODY: dict[str, Any] = {
    "da": "Salonen holder lukket. Glædelig jul!",
    "en": "The salon is closed. Merry Christmas!",
}


class Title(Input):
    da: Line = Field(examples=[TITLE["da"]])
    en: Line = Field(examples=[TITLE["en"]])


class Bodies(Input):
    da: Body = Field(examples=[BODY["da"]])
    en: Body = Field(examples=[BODY["en"]])


class BroadcastRequest(Input):
    """`service` is what customers and colleagues need to know, such as closing days. Everything else is `marketing`,
    the default, which reaches only those who have consented to it."""

    kind: Purpose = Field(default="marketing", examples=["service"])
    title: Title
    body: Bodies
    audience: Audience
    mail: Flag = False


class Broadcast(Schema):
    """`recipient_count` is the number of people reached so far; `done_at` is set when the broadcast is finished."""

    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d02"])
    kind: Purpose
    title: dict[str, str] = Field(examples=[TITLE])
    body: dict[str, str] = Field(examples=[BODY])
    audience: Audience
    mail: bool = Field(examples=[True])
    recipient_count: int = Field(examples=[0])
    created_at: LocalInstant
    done_at: LocalInstant | None = Field(examples=[None])
