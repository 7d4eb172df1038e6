from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import BadCursor
from shared.http.pagination import decode_cursor, page

ROWS = [{"id": number, "at": datetime(2026, 5, number, tzinfo=UTC)} for number in range(1, 5)]


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["at"], row["id"]


def test_a_page_ends_with_a_cursor_to_the_next() -> None:
    first = page(ROWS[:3], 2, key)
    assert first["items"] == ROWS[:2]
    assert decode_cursor(first["next_cursor"], datetime, int) == [ROWS[1]["at"], 2]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS[:2]])
def test_the_last_page_has_no_cursor(rows: list[dict[str, Any]]) -> None:
    assert page(rows, 2, key) == {"items": rows, "next_cursor": None}


def test_rows_are_shown_as_items() -> None:
    assert page(ROWS, 2, key, lambda row: row["id"])["items"] == [1, 2]


@pytest.mark.parametrize("cursor", ["", "x", "!!", "WzFd", "WzEsMl0", "e30"])
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor, datetime, int)
