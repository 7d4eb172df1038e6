"""What the endpoints share: the switch that turns them off, the caller, and common parameters."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from domain.people import PersonId
from domain.roles import Role
from shared.errors import NotFound
from shared.http.app import RuntimeDep
from shared.identity.access import SIGNED_IN, allow
from shared.identity.principals import Principal
from shared.openapi.operations import raises


async def require_enabled(runtime: RuntimeDep) -> None:
    """Raises NotFound for every caller if ENABLE_GDPR_FEATURES is false."""
    if not runtime.settings.enable_gdpr_features:
        raise NotFound


ROUTER: dict[str, Any] = {
    "prefix": "/api/v1",
    "dependencies": [Depends(require_enabled)],
    "responses": raises(NotFound),
}

Admin = Annotated[Principal, allow(Role.ADMIN)]
Caller = Annotated[Principal, SIGNED_IN]
Id = Annotated[UUID, Path(alias="id", examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"])]
UserId = Annotated[PersonId, Path(alias="id")]
