"""A service's operations described in a table in its `description.py`, until its endpoints describe themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import ProblemError
from shared.openapi.operations import CACHE_CONTROL, ETAG, LAST_MODIFIED, LOCATION, RETRY_AFTER, SET_COOKIE

__all__ = ["CACHE_CONTROL", "ETAG", "LAST_MODIFIED", "LOCATION", "RETRY_AFTER", "SET_COOKIE", "Description", "told"]


@dataclass(frozen=True)
class Operation:
    """`raises`: errors beside those that follow from the signature; `sends`: headers on success."""

    summary: str
    raises: tuple[type[ProblemError], ...] = ()
    sends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """`examples` by the name of a field or parameter, or by that of a whole schema."""

    text: str
    operations: Mapping[str, Operation] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


def told(summary: str, *raises: type[ProblemError], sends: tuple[str, ...] = ()) -> Operation:
    return Operation(summary, raises, sends)
