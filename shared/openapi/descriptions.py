"""What a service says of its operations beyond what its endpoints' signatures tell: a table in its `description.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.errors import MEDIA_TYPE, ProblemError, problem_body
from shared.openapi.operations import (
    CACHE_CONTROL,
    ETAG,
    LAST_MODIFIED,
    LOCATION,
    RETRY_AFTER,
    SET_COOKIE,
    Json,
    headers,
)

__all__ = ["CACHE_CONTROL", "ETAG", "LAST_MODIFIED", "LOCATION", "RETRY_AFTER", "SET_COOKIE", "Description", "told"]


HEADERS = {
    ETAG: "The version that was answered, for If-Match.",
    LOCATION: "Where what was made is found.",
    RETRY_AFTER: "Seconds to wait before asking again.",
    CACHE_CONTROL: "How long the answer may be kept.",
    SET_COOKIE: "The refresh token in a cookie session, or its end.",
    LAST_MODIFIED: "When what is answered changed last.",
    "X-Request-ID": "The call's id, as logs and audit have it.",
    "Content-Language": "The language of title and detail.",
    "WWW-Authenticate": "How to identify oneself.",
    "Allow": "The possible methods.",
    "RateLimit": "How many calls are left, and in how many seconds more come back.",
    "RateLimit-Policy": "How many calls are let through in how many seconds.",
}
STATUS_HEADERS = {
    401: ("WWW-Authenticate",),
    429: (RETRY_AFTER,),
    502: (RETRY_AFTER,),
    503: (RETRY_AFTER,),
    504: (RETRY_AFTER,),
}
EXAMPLE_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2a01"
PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details (RFC 9457) in Danish, or in English where Accept-Language asks for it.",
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:loctician:problem:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "Stable; what a program goes by."},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was called."},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "description": "Which fields are wrong, by JSON Pointer.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}


@dataclass(frozen=True)
class Operation:
    """`raises`: the refusals of its own, beside those that follow from its signature; `sends`: headers on success."""

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


def components() -> Json:
    """What the answers of every service refer to, by kind."""
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}
    return {"schemas": {"Problem": PROBLEM}, "headers": described}


def refusal(errors: Sequence[type[ProblemError]]) -> Json:
    """One answer of all errors with the same status."""
    unique = {error.code: error for error in errors}
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"code": {"enum": sorted(unique)}}},
        ]
    }
    shown = {code: {"$ref": f"#/components/examples/{code}"} for code in sorted(unique)}
    return {
        "description": ", ".join(error.title["en"] for error in unique.values()),
        "headers": headers("X-Request-ID", "Content-Language", *STATUS_HEADERS.get(errors[0].status_code, ())),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }


def example(error: type[ProblemError]) -> Any:
    title, detail = error.title["en"], error.detail["en"]
    return orjson.loads(problem_body(error.status_code, error.code, title, detail, "/api/v1", EXAMPLE_ID))
