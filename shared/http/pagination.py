"""Keyset pagination: pages of lists and the cursors to the next page."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import Field, TypeAdapter

from shared.errors import BadCursor
from shared.http.schemas import Schema, refuse_unstorable

T = TypeVar("T")
Row = TypeVar("Row")

CURSOR_EXAMPLE = "WyIyMDI2LTA5LTE0VDEwOjAwOjAwKzAyOjAwIiwiMDE5NmI2YTAtN2MxZS03YjUyLTlkMGEtM2Y2ZjBmMWMyYTc3Il0"

Limit = Annotated[int, Query(ge=1, le=100, examples=[50])]
Cursor = Annotated[str | None, Query(max_length=1000, examples=[None], description="`next_cursor` of the page before")]


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(default=None, examples=[CURSOR_EXAMPLE])


def page(
    rows: Sequence[Row], limit: int, key: Callable[[Row], Iterable[Any]], item: Callable[[Row], Any] | None = None
) -> dict[str, Any]:
    """A page of the rows of a query that fetched `limit + 1` of them: the last row only says that there are more.

    `key` gives the values that the next page's cursor holds, of the last row shown; `item` the row's form in the
    answer, which is the row itself without it.
    """
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [item(row) for row in shown] if item else list(shown),
        "next_cursor": encode_cursor(*key(shown[-1])) if more else None,
    }


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
            datetime.fromisoformat(value).astimezone(UTC)
            if type_ is datetime
            else refuse_unstorable(TypeAdapter(type_).validate_python(value))
            for type_, value in zip(types, values, strict=True)
        ]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise BadCursor from error
