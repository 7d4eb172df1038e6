"""Messages of validation errors in the caller's language: pydantic's own are English only."""

import json
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

VALUE_ERROR = "Value error, "  # how pydantic begins the message of a ValueError
# By pydantic's error type; the placeholders are those of its English messages.
DANISH: dict[str, str] = json.loads(Path(__file__).with_suffix(".da.json").read_text())


def invalid(code: str, *, en: str, da: str) -> PydanticCustomError:
    """The error for a validator to raise. It is a ValueError."""
    return PydanticCustomError(code, en, {"da": da})


def message(error: dict[str, Any], language: str) -> str:
    """The message of one of pydantic's errors; in English if there is no Danish one."""
    english = str(error["msg"]).removeprefix(VALUE_ERROR)
    if language != "da":
        return english
    values = error.get("ctx") or {}
    if "da" in values:
        return str(values["da"])
    template = DANISH.get(error["type"])
    return template.format(**{name: _danish(value) for name, value in values.items()}) if template else english


def _danish(value: object) -> str:
    return str(value).replace(" or ", " eller ").replace(" and ", " og ")
