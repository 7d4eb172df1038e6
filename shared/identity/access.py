"""Who may call an endpoint: dependencies that identify the caller and admit roles."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from shared.errors import Forbidden, Unauthorized, Unavailable
from shared.identity.principals import Principal, principal_from
from shared.identity.tokens import InvalidToken, NoKeysError, TokenVerifier
from shared.observability.context import act_as

EVERY_ROLE: Final = frozenset({"*"})


async def identify(request: Request) -> Principal | None:
    """The caller, or None without an Authorization header.

    Raises Unauthorized for a header that is not valid; Unavailable while the keys of auth have never been fetched, so
    that clients do not sign anybody out because of it.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer":
        raise Unauthorized
    verifier: TokenVerifier = request.app.state.verifier
    try:
        principal = principal_from(await verifier.verify(token.strip()))
    except NoKeysError as error:
        raise Unavailable from error
    except InvalidToken as error:
        raise Unauthorized from error
    act_as(str(principal.id), principal.role)
    return principal


Identified = Annotated[Principal | None, Depends(identify)]


def allow(*roles: str) -> Any:
    """A dependency that admits these roles only: 401 without a caller, 403 for another role."""
    return _admitting(frozenset(roles))


def _admitting(roles: frozenset[str]) -> Any:
    async def check(principal: Identified) -> Principal:
        if principal is None:
            raise Unauthorized
        if roles != EVERY_ROLE and principal.role not in roles:
            raise Forbidden
        return principal

    return Depends(_declaring(check, roles))


async def _anyone(principal: Identified) -> Principal | None:
    return principal


def _declaring(
    check: Callable[..., Awaitable[Principal | None]], roles: frozenset[str] | None
) -> Callable[..., Awaitable[Principal | None]]:
    check.__access__ = roles  # type: ignore[attr-defined]
    return check


ANYONE: Any = Depends(_declaring(_anyone, None))
SIGNED_IN: Any = _admitting(EVERY_ROLE)
