"""Serializers that several nouns share. Ids are text in answers: orjson does not know the UUID class of asyncpg."""

import hashlib
from datetime import datetime
from typing import Any

import orjson
from fastapi import Response

from domain.clock import to_copenhagen
from services.booking.dependencies import Caching
from shared.http.preconditions import etag

Answer = dict[str, Any]
PUBLIC_SECONDS = 60  # how long a cache may show what anybody may see without asking again


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


def cacheable(text: str | bytes, caching: Caching, version: int | None = None, **headers: str) -> Response:
    """The response with JSON that caches may keep, or a 304 without it if the client has it already (RFC 9110, 13.1.2).

    Shared caches keep it for a minute if the caller is nobody. Of somebody's they keep nothing, and the browser asks
    each time. With a version, the entity tag is good for If-Match too.
    """
    content = text.encode() if isinstance(text, str) else text
    digest = hashlib.sha256(content).hexdigest()[:16]
    headers |= {
        "ETag": f'"{digest}"' if version is None else f'"{version}-{digest}"',
        "Cache-Control": f"public, max-age={PUBLIC_SECONDS}" if caching.public else "private, no-cache",
        "Vary": "Accept-Language, Authorization",
    }
    if "*" in caching.known or headers["ETag"] in caching.known:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")
