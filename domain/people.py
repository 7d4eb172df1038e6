"""Ids of people as callers write them: a UUID, or `me` for the caller's own."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator

from shared.errors import Unauthorized
from shared.observability.context import current

ME = "me"


def own_id(value: Any) -> Any:
    """Raises Unauthorized for `me` of a caller who is not signed in."""
    if value != ME:
        return value
    actor_id = current().actor_id
    if actor_id is None:
        raise Unauthorized
    return actor_id


PersonId = Annotated[UUID, BeforeValidator(own_id, json_schema_input_type=UUID | Literal["me"])]
"""In answers always a UUID."""
