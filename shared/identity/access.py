"""Dependencies that identify the caller of an endpoint and check their role."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from keys.tokens import InvalidToken, NoKeysError, TokenVerifier
from shared.errors import Forbidden, Unauthorized, Unavailable
from shared.identity.principals import Principal, principal_from
from shared.observability.context import act_as

EVERY_ROLE: Final = frozenset({"*"})


async def identify(request: Request) -> Principal | None:
    """The caller; None without a valid Authorization header, which shuts nobody out of what needs none.

    Raises Unavailable if auth's keys have never been fetched: after a 401 clients would sign their user out.
    """
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    verifier: TokenVerifier = request.app.state.verifier
    try:
        principal = principal_from(await verifier.verify(token.strip()))
    except NoKeysError as error:
        raise Unavailable from error
    except InvalidToken:
        return None
    act_as(str(principal.id), principal.role)
    return principal


Identified = Annotated[Principal | None, Depends(identify)]


def allow(*roles: str) -> Any:
    """A dependency that admits only these roles: 401 without a caller, 403 for another role."""
    admitted = frozenset(roles)

    async def check(principal: Identified) -> Principal:
        if principal is None:
            raise Unauthorized
        if admitted != EVERY_ROLE and principal.role not in admitted:
            raise Forbidden
        return principal

    return Depends(_declare(check, admitted))


async def _anyone(principal: Identified) -> Principal | None:
    return principal


def _declare(
    check: Callable[..., Awaitable[Principal | None]], roles: frozenset[str] | None
) -> Callable[..., Awaitable[Principal | None]]:
    check.__access__ = roles  # type: ignore[attr-defined]
    return check


ANYONE: Any = Depends(_declare(_anyone, None))
SIGNED_IN: Any = allow(*EVERY_ROLE)
