"""HTTP models of preferences."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.http.schemas import Flag, Input, Schema

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
