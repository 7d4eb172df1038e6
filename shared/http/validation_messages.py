"""Messages of validation errors in the caller's language. Pydantic's own name its types and are English only."""

import json
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

VALUE_ERROR = "Value error, "  # how pydantic begins the message of a ValueError
# By pydantic's error type; the placeholders are those of its own messages.
TEXTS: dict[str, dict[str, str]] = {
    language: json.loads(Path(__file__).with_suffix(f".{language}.json").read_text()) for language in ("da", "en")
}


def invalid(code: str, *, en: str, da: str) -> PydanticCustomError:
    """The error for a validator to raise. It is a ValueError."""
    return PydanticCustomError(code, en, {"da": da})


def message(error: dict[str, Any], language: str) -> str:
    """The message of one of pydantic's errors; pydantic's own if there is no other."""
    values = error.get("ctx") or {}
    if language in values:
        return str(values[language])
    template = None if "da" in values else TEXTS[language].get(error["type"])
    if template is None:
        return str(error["msg"]).removeprefix(VALUE_ERROR)
    return template.format(**{name: _translated(value, language) for name, value in values.items()})


def _translated(value: object, language: str) -> str:
    return str(value) if language == "en" else str(value).replace(" or ", " eller ").replace(" and ", " og ")
