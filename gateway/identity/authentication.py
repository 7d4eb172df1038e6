"""Who comes in: a token that holds, of a session that has not ended."""

from typing import Any

from gateway.errors import BadRequest, Starting
from gateway.identity.revocations import Revocations
from gateway.proxy.call import Call
from shared.errors import Unauthorized
from shared.identity.tokens import InvalidToken, NoKeysError, TokenVerifier


class Authentication:
    def __init__(self, verifier: TokenVerifier, revocations: Revocations) -> None:
        self._verifier = verifier
        self._revocations = revocations

    def remembered(self, token: bytes) -> dict[str, Any] | None:
        """The claims of a token that was verified before and still holds. Raises InvalidToken, Starting."""
        claims = self._verifier.remembered(token)
        if claims is not None:
            self.refuse_ended(claims)
        return claims

    async def claims(self, token: str) -> dict[str, Any]:
        """Raises InvalidToken, Starting."""
        try:
            claims = await self._verifier.verify(token)
        except NoKeysError as error:
            raise Starting from error
        self.refuse_ended(claims)
        return claims

    def refuse_ended(self, claims: dict[str, Any]) -> None:
        """Asked at every use, since a session may end after its token was verified. Raises InvalidToken, Starting."""
        if not self._revocations.known:
            raise Starting
        if self._revocations.refuses(claims):
            raise InvalidToken("session ended")


async def check_token(call: Call, access: Authentication) -> dict[str, Any] | None:
    """A token that is there must hold; without one it is anonymous. Raises Unauthorized, BadRequest, Starting."""
    given = call.incoming.given.get(b"authorization")
    if given is None:
        return None
    if len(given) > 1:
        raise BadRequest
    scheme, _, token = given[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthorized
    token = token.strip()
    try:
        return access.remembered(token) or await access.claims(token.decode("latin-1"))
    except InvalidToken as error:
        raise Unauthorized from error
