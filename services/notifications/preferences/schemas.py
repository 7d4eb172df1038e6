"""HTTP models of preferences."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.http.schemas import Flag, Input, Schema

Name = Annotated[str, StringConstraints(min_length=1, max_length=30)]
CHANNELS: dict[str, Any] = {"mail": {"enabled": True, "required": False}, "sms": {"enabled": False, "required": False}}


class PreferencesRequest(Input):
    """Replaces earlier choices. Topics and channels that are not named get their defaults. Without `language`, messages
    are in the language of the account."""

    language: Literal["da", "en"] | None = Field(default=None, examples=["da"])
    kinds: dict[Name, Annotated[dict[Name, Flag], Field(max_length=20)]] = Field(
        default={}, max_length=20, examples=[{"reminder": {"mail": True, "sms": False}}]
    )


class Choice(Schema):
    enabled: bool = Field(examples=[True])
    required: bool


class PreferenceKind(Schema):
    """`consent` is null if the topic needs none. While it is false, nothing about the topic is sent in any channel."""

    kind: str = Field(examples=["reminder"])
    channels: dict[str, Choice] = Field(examples=[CHANNELS])
    consent: bool | None = Field(examples=[None])


class Preferences(Schema):
    language: Literal["da", "en"]
    phone_known: bool = Field(examples=[True])
    kinds: list[PreferenceKind]
    version: int
