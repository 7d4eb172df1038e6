"""Commands: a change is one SQL function, and one call of it the whole transaction, so that it can be begun again."""

import hashlib
from typing import Any
from uuid import UUID

from asyncpg import PostgresError
from pydantic import BaseModel

from services.booking import slots
from services.booking.errors import ABOUT_THE_TIME, refusal_of
from services.booking.queries.common import Row, row_of
from services.booking.schemas.slots import AvailabilityRequest
from shared.database.session import Database
from shared.errors import StaleVersion
from shared.identity.principals import Principal, claims_of

LARGEST_VERSION = 2**31 - 1


async def run(database: Database, who: Principal, statement: str, request: Row) -> Row:
    """Raises the refusal that the database names."""
    try:
        done = await row_of(database, statement, claims_of(who).as_json(), request)
    except PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    database.notifier.poke()
    return done


async def run_or_offer(
    database: Database,
    who: Principal,
    statement: str,
    request: Row,
    asked: AvailabilityRequest,
    customer_id: UUID,
    language: str,
) -> Row:
    """The same; a refusal of the time names the nearest free ones."""
    try:
        return await run(database, who, statement, request)
    except ABOUT_THE_TIME as refusal:
        refusal.extensions["alternatives"] = await slots.nearest(database, who, asked, customer_id, language)
        raise


def keyed(call: str, key: str | None, asked: BaseModel) -> dict[str, Any]:
    """What binds an Idempotency-Key to the call and its body; the caller is bound by the database."""
    body = call.encode() + b" " + asked.model_dump_json().encode()
    return {"key": key, "request_hash": hashlib.sha256(body).hexdigest()}


def expected(if_match: str | None) -> list[int] | None:
    """The versions that an If-Match admits (RFC 9110, 13.1.1); None admits any."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [one.strip() for one in if_match.split(",")]
    numbers = [
        int(one[1:-1]) for one in tags if one[:1] == one[-1:] == '"' and one[1:-1].isascii() and one[1:-1].isdigit()
    ]
    if not numbers:
        raise StaleVersion
    return [one for one in numbers if one <= LARGEST_VERSION]
