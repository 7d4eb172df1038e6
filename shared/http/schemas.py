"""Base classes of the HTTP models, and what input must not hold."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Strict, model_validator

from shared.http.validation_messages import invalid

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def refuse_unstorable(value: Any) -> Any:
    """Raises for text with NUL or lone surrogates, which PostgreSQL cannot store."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise invalid(
            "unstorable",
            en="text may hold neither NUL nor lone surrogates",
            da="Tekst må hverken indeholde NUL eller halve surrogatpar.",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(key)
            refuse_unstorable(item)
    elif isinstance(value, list):
        for item in value:
            refuse_unstorable(item)
    return value


Flag = Annotated[bool, Strict()]  # in a body: true or false only, no word or number that means the same


class Schema(BaseModel):
    """Base of the HTTP models."""

    model_config = ConfigDict(from_attributes=True)


class Input(Schema):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return refuse_unstorable(value)
