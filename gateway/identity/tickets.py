"""WebSocket tickets: signed by auth like access tokens, with an audience of their own, and valid once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain.roles import Role
from gateway.errors import Starting
from gateway.identity import queries
from gateway.metrics import TICKETS
from keys.tokens import TICKET, InvalidToken, KeySource, NoKeysError, TokenVerifier
from shared.database.session import Database
from shared.observability.log import logger

AUDIENCE_SUFFIX = "-ws"
MAX_LIFE_SECONDS = 60  # auth issues them for 30
MAX_ID_LENGTH = 64
DATABASE_SECONDS = 3.0

log = logger(__name__)


class TicketsAwayError(Exception):
    """The database is away, so nobody knows whether the ticket was used before. It is refused."""


class TicketVerifier(TokenVerifier):
    kind = TICKET


class Tickets:
    def __init__(self, keys: KeySource, issuer: str, audience: str, database: Database) -> None:
        self._verifier = TicketVerifier(keys, issuer, audience + AUDIENCE_SUFFIX, tuple(Role), cache_size=0)
        self._database = database

    async def read(self, ticket: str) -> dict[str, Any]:
        """The claims of a valid ticket, used or not. Raises InvalidToken, Starting."""
        try:
            claims = await self._verifier.verify(ticket)
        except NoKeysError as error:
            raise Starting from error
        session_exp, jti = claims.get("session_exp"), claims["jti"]
        if not (session_exp is not None and isinstance(jti, str) and 0 < len(jti) <= MAX_ID_LENGTH):
            raise InvalidToken("ticket claims")
        if claims["exp"] - claims["iat"] > MAX_LIFE_SECONDS:
            raise InvalidToken("ticket valid for too long")
        return claims

    async def use(self, claims: dict[str, Any]) -> None:
        """Uses up a ticket, for all replicas. Raises InvalidToken if it was used before; TicketsAwayError."""
        expires_at = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=MAX_LIFE_SECONDS)
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                first_use = await self._insert(claims["jti"], expires_at)
        except (OSError, SQLAlchemyError) as error:  # TimeoutError is an OSError
            TICKETS.labels("away").inc()
            log.warning("tickets_away", error=type(error).__name__)
            raise TicketsAwayError from error
        TICKETS.labels("opened" if first_use else "used_before").inc()
        if not first_use:
            raise InvalidToken("used before")

    async def _insert(self, jti: str, expires_at: datetime) -> bool:
        try:
            return await queries.use_ticket(self._database, jti, expires_at)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The pooled connection was closed. If the first try was committed after all, this one answers "used before".
        return await queries.use_ticket(self._database, jti, expires_at)
