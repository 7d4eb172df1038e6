"""Bodies of PUT that take what GET shows."""

import sys
from typing import Any, ClassVar

from pydantic import GetJsonSchemaHandler, model_validator

from shared.http.schemas import Input


class Replacement(Input):
    """Base of bodies that replace what a GET shows, in whose form they can be sent back: its other fields are ignored.

    `answer` is the name of its model, in the same module.
    """

    answer: ClassVar[str]

    @classmethod
    def _shown(cls) -> list[str]:
        fields = getattr(sys.modules[cls.__module__], cls.answer).model_fields
        return sorted(fields.keys() - cls.model_fields.keys())

    @model_validator(mode="before")
    @classmethod
    def _ignore_shown(cls, value: Any) -> Any:
        shown = cls._shown()
        return {name: item for name, item in value.items() if name not in shown} if isinstance(value, dict) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler(schema)
        handler.resolve_ref_schema(described)["properties"] |= {name: {"readOnly": True} for name in cls._shown()}
        return described
