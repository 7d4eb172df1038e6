"""What the responses of every service refer to in the OpenAPI document: headers, the problem schema and examples."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from shared.errors import MEDIA_TYPE, ProblemError, problem_body
from shared.openapi.examples import Examples
from shared.openapi.operations import RETRY_AFTER, Json, headers

HEADERS: dict[str, str] = orjson.loads(Path(__file__).with_name("headers.json").read_bytes())
STATUS_HEADERS = {401: ("WWW-Authenticate",), 415: ("Accept",), **dict.fromkeys((429, 502, 503, 504), (RETRY_AFTER,))}
EXAMPLE_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2a01"
SECURITY: Json = orjson.loads(Path(__file__).with_name("security.json").read_bytes())
PROBLEM: Json = orjson.loads(Path(__file__).with_name("problem.schema.json").read_bytes())


def components() -> Json:
    """The document's components by kind."""
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}
    return {"schemas": {"Problem": PROBLEM}, "headers": described, "securitySchemes": SECURITY}


def error_response(errors: Sequence[type[ProblemError]]) -> Json:
    """The one response for errors that have the same status."""
    unique = {error.code: error for error in errors}
    members = {"code": {"enum": sorted(unique)}}
    for error in errors:
        members |= error.fields
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": members}]}
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in sorted(unique)}
    return {
        "description": ", ".join(error.title["en"] for error in unique.values()),
        "headers": headers("X-Request-ID", "Content-Language", "Vary", *STATUS_HEADERS.get(errors[0].status_code, ())),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def problem_example(error: type[ProblemError], examples: Examples) -> Any:
    members = {name: examples.of(schema) for name, schema in error.fields.items()}
    title, detail = error.title["en"], error.detail["en"].format_map(defaultdict(str, members))
    return orjson.loads(problem_body(error.status_code, error.code, title, detail, "/api/v1", EXAMPLE_ID, **members))
