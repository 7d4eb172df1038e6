"""Spans of time as pairs of instants, and what can be done with many of them. Pure functions only."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

Window = tuple[datetime, datetime]


def merge(parts: Iterable[Window]) -> list[Window]:
    """Sorted, none empty, none touching another."""
    merged: list[Window] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(parts: Sequence[Window], taken: Sequence[Window]) -> list[Window]:
    left = list(parts)
    for start, end in taken:
        pieces = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b))]
        left = [piece for piece in pieces if piece[0] < piece[1]]
    return merge(left)


def within(merged: Sequence[Window], start: datetime, end: datetime) -> Sequence[Window]:
    """Those of merged spans that reach into start..end, found without a look at the others."""
    first = bisect_right(merged, start, key=lambda part: part[1])
    return merged[first : bisect_left(merged, end, key=lambda part: part[0])]


def clip(parts: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    return merge((max(a, start), min(b, end)) for a, b in parts)
