import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query
from pydantic import Field

from domain.roles import Role
from shared.errors import NotFound
from shared.identity.access import ANYONE, allow
from shared.identity.principals import Principal

Day = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2099, 12, 31))]
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
From = Annotated[Day | None, Query(alias="from")]
To = Annotated[Day | None, Query(alias="to")]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100)]
