"""Checks access tokens: a valid signature, and a session that has not ended."""

from typing import Any

from gateway.errors import BadRequest, Starting
from gateway.identity.revocations import Revocations
from gateway.proxy import routes
from gateway.proxy.call import Call
from keys.tokens import InvalidToken, NoKeysError, TokenVerifier
from shared.errors import Unauthorized


class Authentication:
    def __init__(self, verifier: TokenVerifier, revocations: Revocations) -> None:
        self._verifier = verifier
        self._revocations = revocations

    async def authenticate(self, call: Call) -> dict[str, Any] | None:
        """The claims of the call's token; None if it has none. Raises Unauthorized, BadRequest, Starting.

        A call with a body needs its token here, before the body is read, except where anyone may call.

        Where anyone may call, an invalid token counts as none. It is not forwarded: services do not know which
        sessions have ended.
        """
        try:
            return await self._authenticate(call)
        except (Unauthorized, BadRequest):
            if not routes.needs_no_token(call.method, call.path):
                raise
            call.headers.forwarded = [header for header in call.headers.forwarded if header[0] != b"authorization"]
            return None

    async def _authenticate(self, call: Call) -> dict[str, Any] | None:
        values = call.headers.values.get(b"authorization")
        if values is None:
            if call.body_arrives and not routes.needs_no_token(call.method, call.path):
                raise Unauthorized  # the service would answer the same, after the body
            return None
        if len(values) > 1:
            raise BadRequest
        scheme, _, token = values[0].partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthorized
        token = token.strip()
        try:
            return self._cached_claims(token) or await self.claims(token.decode("latin-1"))
        except InvalidToken as error:
            raise Unauthorized from error

    async def claims(self, token: str) -> dict[str, Any]:
        """Verifies a token. Raises InvalidToken, Starting."""
        try:
            claims = await self._verifier.verify(token)
        except NoKeysError as error:
            raise Starting from error
        self.refuse_ended_session(claims)
        return claims

    def refuse_ended_session(self, claims: dict[str, Any]) -> None:
        """To be called at every use, since a session can end after its token was verified.

        Raises InvalidToken, Starting.
        """
        if not self._revocations.complete:
            raise Starting
        if self._revocations.refuses(claims):
            raise InvalidToken("session ended")

    def _cached_claims(self, token: bytes) -> dict[str, Any] | None:
        """The claims of a token that was verified before. Raises InvalidToken, Starting."""
        claims = self._verifier.cached_claims(token)
        if claims is not None:
            self.refuse_ended_session(claims)
        return claims
