"""FastAPI dependencies and parameters that the endpoints of several nouns share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from domain.roles import Role
from shared.identity.access import ANYONE, SIGNED_IN, Identified, allow
from shared.identity.principals import Principal
from shared.openapi.operations import CACHE_CONTROL, ETAG, Responses, sends

STAFF = frozenset({Role.STAFF, Role.ADMIN})

Visitor = Annotated[Principal | None, ANYONE]
Caller = Annotated[Principal, SIGNED_IN]
Employee = Annotated[Principal, allow(Role.LOCTICIAN, Role.STAFF, Role.ADMIN)]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]

CACHED: Responses = {304: {"description": "Unchanged", **sends(304, ETAG, CACHE_CONTROL)[304]}}
CACHED |= sends(200, ETAG, CACHE_CONTROL)
"""What an endpoint sends that answers with serializers.cacheable()."""


@dataclass(frozen=True)
class Caching:
    """`known`: the entity tags of what the client has. `public`: the caller is nobody, so that any cache may keep what
    the caller is shown."""

    known: Sequence[str]
    public: bool


async def _caching(
    principal: Identified,
    if_none_match: Annotated[list[str] | None, Header(examples=[['"3-9f2c1b7a60d4e815"']])] = None,
) -> Caching:
    tags = [tag.strip().removeprefix("W/") for line in if_none_match or () for tag in line.split(",")]
    return Caching(tags, principal is None)


CachingDep = Annotated[Caching, Depends(_caching)]


def is_staff(principal: Principal | None) -> bool:
    return principal is not None and principal.role in STAFF
