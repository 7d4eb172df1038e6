"""Intervals as pairs of instants: merge, subtract, search and clip. Pure functions only."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

Interval = tuple[datetime, datetime]


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorts them, joins those that overlap or touch, and drops empty ones."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(intervals: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """What is left of `intervals` outside `taken`, merged."""
    left = list(intervals)
    for start, end in taken:
        pieces = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b))]
        left = [piece for piece in pieces if piece[0] < piece[1]]
    return merge(left)


def overlapping(merged: Sequence[Interval], start: datetime, end: datetime) -> Sequence[Interval]:
    """Those of merged intervals that overlap start..end, by binary search."""
    first = bisect_right(merged, start, key=lambda interval: interval[1])
    return merged[first : bisect_left(merged, end, key=lambda interval: interval[0])]


def clip(intervals: Iterable[Interval], start: datetime, end: datetime) -> list[Interval]:
    """Cuts them to start..end, and merges them."""
    return merge((max(a, start), min(b, end)) for a, b in intervals)
