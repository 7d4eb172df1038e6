"""Keyset pagination: pages and their cursors."""

import base64
import binascii
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from pydantic import AwareDatetime, TypeAdapter

from shared.errors import BadCursor
from shared.http.schemas import Schema, in_range, refuse_unstorable

T = TypeVar("T")


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type[Any]) -> list[Any]:
    """The values of a cursor, each parsed as its type. Raises BadCursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(types):
            raise BadCursor
        return [
            refuse_unstorable(TypeAdapter(type_).validate_python(value))
            if type_ is not datetime
            else in_range(TypeAdapter(AwareDatetime).validate_python(value))
            for type_, value in zip(types, values, strict=True)
        ]
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
