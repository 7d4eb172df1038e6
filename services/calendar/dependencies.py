"""Parameters that several endpoints share, and who may see a loctician's calendar."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from domain.people import PersonId
from domain.roles import Role
from shared.errors import NotFound
from shared.identity.access import ANYONE, allow
from shared.identity.principals import Principal

PREFIX = "/api/v1/calendar"
SALON_ROLES = {Role.STAFF, Role.ADMIN}
LOCTICIAN_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b03"

Caller = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
Anyone = Annotated[Principal | None, ANYONE]


async def own_or_salon(loctician_id: Annotated[PersonId, Path(examples=[LOCTICIAN_ID])], principal: Caller) -> UUID:
    """Raises NotFound for a loctician who asks for another's calendar, whether there is one or not."""
    if principal.role == Role.LOCTICIAN and principal.id != loctician_id:
        raise NotFound
    return loctician_id


Loctician = Annotated[UUID, Depends(own_or_salon)]
