"""Serializers that several nouns share. Ids are text in answers: orjson does not know the UUID class of asyncpg."""

from datetime import datetime
from typing import Any

import orjson
from fastapi import Response

from domain.clock import to_copenhagen
from shared.http.preconditions import etag

Answer = dict[str, Any]


def instant(value: datetime | str | None) -> datetime | None:
    """The instant with Copenhagen's offset; `value` may be text as PostgreSQL writes it in JSON."""
    if value is None:
        return None
    return to_copenhagen(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def respond(content: Answer, status: int = 200, **headers: str) -> Response:
    """The response, with an ETag if the content has a version."""
    if "version" in content:
        headers["ETag"] = etag(content["version"])
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def json_response(text: str, status: int = 200, **headers: str) -> Response:
    """The response with JSON that the database made."""
    return Response(text, status, headers, media_type="application/json")
