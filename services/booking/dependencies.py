"""FastAPI dependencies and parameters that the endpoints of several nouns share."""

from typing import Annotated

from fastapi import Depends

from domain.roles import Role
from services.booking.settings import BookingSettings
from shared.http.app import RuntimeDep
from shared.identity.access import ANYONE, SIGNED_IN, allow
from shared.identity.principals import Principal

STAFF = frozenset({Role.STAFF, Role.ADMIN})

Visitor = Annotated[Principal | None, ANYONE]
Caller = Annotated[Principal, SIGNED_IN]
Employee = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]


def is_staff(principal: Principal | None) -> bool:
    return principal is not None and principal.role in STAFF


async def _require_verified(runtime: RuntimeDep) -> bool:
    settings = runtime.settings
    assert isinstance(settings, BookingSettings)  # noqa: S101 - tells mypy the type
    return bool(settings.require_verified_email)


RequireVerified = Annotated[bool, Depends(_require_verified)]
"""Whether only customers with a verified e-mail address can book."""
