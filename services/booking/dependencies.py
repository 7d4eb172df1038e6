"""FastAPI dependencies and parameters that the endpoints of several nouns share."""

from typing import Annotated

from domain.roles import Role
from shared.identity.access import ANYONE, SIGNED_IN, allow
from shared.identity.principals import Principal

STAFF = frozenset({Role.STAFF, Role.ADMIN})

Visitor = Annotated[Principal | None, ANYONE]
Caller = Annotated[Principal, SIGNED_IN]
Employee = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]


def is_staff(principal: Principal | None) -> bool:
    return principal is not None and principal.role in STAFF
