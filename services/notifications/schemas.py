"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from domain.clock import copenhagen
from shared.http.schemas import Flag, Input, Schema

Status = Literal["queued", "sending", "sent", "failed", "dropped"]
Audience = Literal["all", "customer", "loctician", "staff", "admin"]
LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]


class BookingUpdate(Schema):
    booking_id: UUID
    status: str
    start: LocalInstant
    end: LocalInstant
    loctician_id: UUID
    version: int


class Notice(Schema):
    """`id`, `type` and `data` are those of the realtime message that told the same."""

    id: UUID
    type: str
    kind: str
    title: str
    data: Annotated[BookingUpdate | dict[str, Any], Field(union_mode="left_to_right")]
    created_at: LocalInstant
    read_at: LocalInstant | None


class Delivery(Schema):
    """`error` is the code of the last failure, also while it is tried again."""

    id: UUID
    event_id: UUID
    recipient_id: UUID
    booking_id: UUID | None
    channel: str
    kind: str
    status: Status
    attempts: int
    error: str | None
    due_at: LocalInstant
    sent_at: LocalInstant | None
    created_at: LocalInstant
    version: int


Name = Annotated[str, StringConstraints(min_length=1, max_length=30)]


class PreferencesRequest(Input):
    """Takes the place of earlier choices; what is not named is as by default. No language: the account's."""

    language: Literal["da", "en"] | None = None
    kinds: dict[Name, Annotated[dict[Name, Flag], Field(max_length=20)]] = Field(default={}, max_length=20)


class Choice(Schema):
    enabled: bool
    required: bool


class PreferenceKind(Schema):
    """`consent` is null where none is needed; without one that is, nothing of this kind comes in any channel."""

    kind: str
    channels: dict[str, Choice]
    consent: bool | None


class Preferences(Schema):
    language: Literal["da", "en"]
    phone_known: bool
    kinds: list[PreferenceKind]
    version: int


Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Body = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Title(Input):
    da: Line
    en: Line


class Bodies(Input):
    da: Body
    en: Body


Purpose = Literal["service", "marketing"]
Switchable = Literal["reminder", "service", "marketing"]  # what may be switched off


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
