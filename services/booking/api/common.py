"""What the endpoints share: who calls, the usual parameters, and the form of an answer."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Response

from services.booking.settings import BookingSettings
from shared.http.app import RuntimeDep
from shared.http.schemas import Instant
from shared.identity.access import ANYONE, SIGNED_IN
from shared.identity.principals import Principal

Caller = Annotated[Principal, SIGNED_IN]
Visitor = Annotated[Principal | None, ANYONE]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
From = Annotated[Instant | None, Query(alias="from")]
To = Annotated[Instant | None, Query(alias="to")]


async def _require_verified(runtime: RuntimeDep) -> bool:
    settings = runtime.settings
    assert isinstance(settings, BookingSettings)  # noqa: S101 - narrows to this service's own
    return bool(settings.require_verified_email)


RequireVerified = Annotated[bool, Depends(_require_verified)]


def answer(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    if "version" in content:
        headers["ETag"] = f'"{content["version"]}"'
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
