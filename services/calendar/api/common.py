from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query

from domain.roles import Role
from services.calendar import schemas
from shared.errors import NotFound
from shared.identity.access import ANYONE, allow
from shared.identity.principals import Principal

PREFIX = "/api/v1/calendar"
SALON = {Role.STAFF, Role.ADMIN}


async def own_or_salon(
    loctician_id: UUID, who: Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
) -> UUID:
    """A loctician sees no other's calendar, nor whether there is one."""
    if who.role == Role.LOCTICIAN and who.id != loctician_id:
        raise NotFound
    return loctician_id


Caller = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
Loctician = Annotated[UUID, Depends(own_or_salon)]
Visitor = Annotated[Principal | None, ANYONE]
From = Annotated[schemas.Day | None, Query(alias="from")]
To = Annotated[schemas.Day | None, Query(alias="to")]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
