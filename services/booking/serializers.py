"""What the endpoints share: who calls, the usual parameters, and the form of an answer."""

from datetime import datetime
from typing import Any

import orjson
from fastapi import Response

from domain.clock import to_copenhagen

Answer = dict[str, Any]


def instant(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    return to_copenhagen(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def answer(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    if "version" in content:
        headers["ETag"] = f'"{content["version"]}"'
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
