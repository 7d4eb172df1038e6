"""What the endpoints share: who calls, the usual parameters, and the form of an answer."""

from typing import Annotated

from fastapi import Depends, Header, Query

from domain.roles import Role
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

SALON = {Role.STAFF, Role.ADMIN}


def is_salon(who: Principal | None) -> bool:
    return who is not None and who.role in SALON
