"""What the endpoints share: whether they exist at all, who calls, the usual parameters."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query

from domain.roles import Role
from shared.errors import NotFound
from shared.http.app import RuntimeDep
from shared.identity.access import SIGNED_IN, allow
from shared.identity.principals import Principal


async def enabled(runtime: RuntimeDep) -> None:
    """With ENABLE_GDPR_FEATURES=false these calls do not exist, whoever asks."""
    if not runtime.settings.enable_gdpr_features:
        raise NotFound


COMMON: dict[str, Any] = {"prefix": "/api/v1", "dependencies": [Depends(enabled)]}

Admin = Annotated[Principal, allow(Role.ADMIN)]
Caller = Annotated[Principal, SIGNED_IN]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]
Exactly = Annotated[str | None, Query(min_length=1, max_length=100)]
Id = Annotated[UUID, Path(alias="id")]
