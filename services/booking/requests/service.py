"""Requests: what somebody who is not signed in asks for, until a mailed link has proven the address.

Who asks is not stored here: it goes to auth, sealed, which makes or finds the account and has the link mailed. Auth
says in `user.verified` whose request it is; consumers.py hands it to queries.accept().
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

import orjson

from domain.messages import seal_message
from keys.services import ServiceKeys
from services.booking.errors import WITH_ALTERNATIVES
from services.booking.requests import queries
from services.booking.requests.errors import AlreadySignedIn
from services.booking.requests.schemas import Person, TimeRequest, WishRequest
from services.booking.serializers import Answer, instant
from services.booking.slots.schemas import AvailabilityRequest
from services.booking.slots.service import nearest
from services.booking.sql_calls import call, fetch_row, idempotency, raising_problems
from services.booking.visitors.service import Visit, keyed_digest, service_keys
from shared.database.session import Database
from shared.errors import NotFound
from shared.identity.principals import ANONYMOUS_CLAIMS
from shared.messaging.events import new_id

AUTH = "auth"  # the service that reads who asks
PURPOSE = "secret of a request"


async def ask_for_time(
    database: Database, visit: Visit, request: TimeRequest, key: str | None, language: str
) -> Answer:
    """Keeps the time for half an hour. Raises AlreadySignedIn, or one of errors.RAISED_BY_SQL; an error about the time
    comes with the nearest free times, unless the request names a hold."""
    fields = request.model_dump(include={"hold_id", "service_ids", "loctician_id", "start", "notes"})
    try:
        return await _ask(database, visit, request, fields | {"kind": "booking"}, key, language)
    except WITH_ALTERNATIVES as error:
        error.extensions["alternatives"] = await _alternatives(database, visit, request, language)
        raise


async def _alternatives(database: Database, visit: Visit, request: TimeRequest, language: str) -> list[dict[str, Any]]:
    if request.service_ids is None or request.start is None:
        return []
    wanted = AvailabilityRequest(
        service_ids=request.service_ids, loctician_id=request.loctician_id, start=request.start
    )
    return await nearest(database, visit.caller, wanted, visit.caller.id, language)


async def ask_to_wait(database: Database, visit: Visit, request: WishRequest, key: str | None, language: str) -> Answer:
    """Raises AlreadySignedIn, or one of errors.RAISED_BY_SQL."""
    fields = request.model_dump(exclude=set(Person.model_fields))
    return await _ask(database, visit, request, fields | {"kind": "waitlist"}, key, language)


async def _ask(
    database: Database, visit: Visit, request: Person, fields: Answer, key: str | None, language: str
) -> Answer:
    if visit.principal is not None:
        raise AlreadySignedIn
    keys = service_keys(database)
    request_id = new_id()
    person = request.model_dump(include=set(Person.model_fields))
    person |= {"language": request.language or language, "browser": visit.browser.digest.hex()}
    arguments = fields | visit.claims | idempotency("requests", key, request)
    arguments |= {
        "request_id": request_id,
        "email": keyed_digest(database, "mail address", request.email.encode()).hex(),
        "sealed": seal_message(keys, request_id, orjson.dumps(person).decode(), AUTH),
    }
    row = await call(database, visit.caller, queries.ADD, arguments)
    return {
        "id": row["id"],
        "secret": _secret(keys, UUID(row["id"])),
        "status": "waiting",
        "expires_at": instant(row["expires_at"]),
    }


async def find(database: Database, request_id: UUID, secret: str) -> Answer:
    """Raises NotFound also for another secret."""
    try:
        signature = urlsafe_b64decode(secret + "=")
    except ValueError as error:
        raise NotFound from error
    if not service_keys(database).verify(PURPOSE, request_id.bytes, signature):
        raise NotFound
    with raising_problems():
        row = await fetch_row(database, queries.FIND, ANONYMOUS_CLAIMS.as_json(), {"id": request_id})
    return row | {"expires_at": instant(row["expires_at"])}


def _secret(keys: ServiceKeys, request_id: UUID) -> str:
    """Derived from the id, so that it is stored nowhere and a repeated call gets the same."""
    return urlsafe_b64encode(keys.sign(PURPOSE, request_id.bytes)).rstrip(b"=").decode()
