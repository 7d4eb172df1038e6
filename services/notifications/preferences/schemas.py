"""HTTP models of preferences."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter

from domain.replacements import Replacement
from services.notifications.notification_types import TOPICS
from shared.http.schemas import Flag, Schema

Name = Annotated[str, StringConstraints(min_length=1, max_length=30)]
CHANNELS: dict[str, Any] = {"mail": {"enabled": True, "required": False}, "sms": {"enabled": False, "required": False}}


class Choice(Schema):
    enabled: bool = Field(examples=[True])
    required: bool


class PreferenceKind(Schema):
    """`consent` is null if the topic needs none. While it is false, nothing about the topic is sent in any channel."""

    kind: str = Field(examples=["reminder"], json_schema_extra={"enum": [*TOPICS]})
    channels: dict[str, Choice] = Field(examples=[CHANNELS])
    consent: bool | None = Field(examples=[None])


class Preferences(Schema):
    language: Literal["da", "en"]
    phone_known: bool = Field(examples=[True])
    kinds: list[PreferenceKind]
    version: int


def _chosen(value: Any) -> Any:
    """Reads the form of GET too: what is enabled in each channel of each kind."""
    if not isinstance(value, list):
        return value
    kinds = TypeAdapter(list[PreferenceKind]).validate_python(value)
    return {kind.kind: {name: choice.enabled for name, choice in kind.channels.items()} for kind in kinds}


Kinds = dict[Name, Annotated[dict[Name, Flag], Field(max_length=20)]]


class PreferencesRequest(Replacement):
    """Replaces earlier choices. Topics and channels that are not named get their defaults. Without `language`, messages
    are in the language of the account."""

    answer: ClassVar = "Preferences"

    language: Literal["da", "en"] | None = Field(default=None, examples=["da"])
    kinds: Annotated[
        Kinds,
        Field(max_length=20),
        BeforeValidator(_chosen, json_schema_input_type=Kinds | list[PreferenceKind]),
    ] = Field(default={}, examples=[{"reminder": {"mail": True, "sms": False}}])
