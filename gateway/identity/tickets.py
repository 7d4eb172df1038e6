"""WebSocket tickets: signed by auth like access tokens, for another audience, and good once among all replicas."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain.roles import Role
from gateway.errors import Starting
from gateway.identity import queries
from gateway.metrics import TICKETS
from shared.database.session import Database
from shared.identity.tokens import InvalidToken, KeySource, NoKeysError, TokenVerifier
from shared.observability.log import logger

AUDIENCE_SUFFIX = "-ws"
LONGEST_LIFE = 60  # seconds; they are given for 30
MAX_ID = 64
SECONDS = 3.0
MOST_PURGES = 100

log = logger(__name__)


class TicketsAwayError(Exception):
    """Whether the ticket was used before cannot be found out, so it counts for nothing now."""


class Tickets:
    def __init__(self, keys: KeySource, issuer: str, audience: str, database: Database) -> None:
        self._verifier = TokenVerifier(keys, issuer, audience + AUDIENCE_SUFFIX, tuple(Role), cache_size=0)
        self._database = database

    async def read(self, ticket: str) -> dict[str, Any]:
        """The claims of a valid ticket, which may have been used already. Raises InvalidToken, Starting."""
        try:
            claims = await self._verifier.verify(ticket)
        except NoKeysError as error:
            raise Starting from error
        session_exp, jti = claims.get("session_exp"), claims["jti"]
        if not (isinstance(session_exp, (int, float)) and isinstance(jti, str) and 0 < len(jti) <= MAX_ID):
            raise InvalidToken("ticket claims")
        if claims["exp"] - claims["iat"] > LONGEST_LIFE:
            raise InvalidToken("ticket for too long")
        return claims

    async def use(self, claims: dict[str, Any]) -> None:
        """Raises InvalidToken when it was used before, TicketsAwayError when that cannot be told."""
        expires_at = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=LONGEST_LIFE)
        try:
            async with asyncio.timeout(SECONDS):
                first = await self._insert(claims["jti"], expires_at)
        except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
            TICKETS.labels("away").inc()
            log.warning("tickets_away", error=type(error).__name__)
            raise TicketsAwayError from error
        TICKETS.labels("opened" if first else "used_before").inc()
        if not first:
            raise InvalidToken("used before")

    async def _insert(self, jti: str, expires_at: datetime) -> bool:
        try:
            return await queries.use_ticket(self._database, jti, expires_at)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # A kept connection had been closed. Should the first try have counted after all, this one tells "used before".
        return await queries.use_ticket(self._database, jti, expires_at)
