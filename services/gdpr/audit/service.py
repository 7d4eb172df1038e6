"""The audit log: records each event as a row that says who did what, to what, and when; and searches the rows."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.audit import audit_fields, hash_chain, noted_ends, queries
from services.gdpr.people.queries import find_person
from shared.errors import BadCursor
from shared.http.pagination import decode_cursor, page
from shared.identity.principals import Principal
from shared.messaging.provenance import SOURCE
from shared.messaging.subscriptions import Received
from shared.messaging.topology import signed_types, unsigned_roles
from shared.privacy.events import audit_read

MAX_ID = 2**63 - 1
Conditions = Mapping[str, Any]


async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    data = audit_fields.keep_fields(event.type, event.data)
    actor_id = event.actor_id if await _is_believed(session, event) else None
    await hash_chain.append(
        session,
        {
            "event_id": event.id,
            "occurred_at": event.time,
            "action": event.type,
            "entity": audit_fields.keep_code(event.subject),
            "entity_version": event.version,
            "actor_id": audit_fields.keep_code(actor_id),
            "actor_role": audit_fields.keep_code(event.actor_role),
            "people": audit_fields.people_in(event.subject, data),
            "request_id": event.request_id,
            "source": event.source,
            "data": data,
        },
    )


async def compared(
    session: AsyncSession, verification: hash_chain.Verification, ends: list[noted_ends.End] | None
) -> dict[str, Any]:
    """A verification, and what comparing it with the noted ends says. `ends` is None where they cannot be read."""
    broken = verification.broken or await noted_ends.lost(session, ends or [])
    return {
        **vars(verification),
        "broken": broken,
        "intact": broken is None,
        "noted": "unreadable" if ends is None else "compared" if ends else "none",
        "noted_last_id": max((end.last_id for end in ends or []), default=None),
    }


async def _is_believed(session: AsyncSession, event: Received[Any]) -> bool:
    """Whether the actor may have the role that the event says. Only events of customers and services are unsigned, so
    nobody else may be their actor, except in auth's events, which say who signed in."""
    unsigned = event.actor_role in unsigned_roles() and event.type not in signed_types()
    if not unsigned or event.source == f"{SOURCE}auth" or not audit_fields.is_id(event.actor_id):
        return True
    person = await find_person(session, UUID(event.actor_id))
    return person is None or person.role in {None, Role.CUSTOMER}


async def search(
    session: AsyncSession,
    principal: Principal,
    conditions: Conditions,
    between: tuple[datetime | None, datetime | None],
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """A page of rows, newest first. A search for a person is itself audited. Raises BadCursor."""
    searched = [conditions[name] for name in ("actor_id", "entity", "person") if conditions.get(name)]
    audit_read(session, principal, "audit", [UUID(value) for value in searched if audit_fields.is_id(value)])
    rows = await queries.page(session, conditions, *between, _before(cursor), limit + 1)
    return page(rows, limit, key=lambda row: [row["id"]])


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (row_id,) = decode_cursor(cursor, int)
    if not 0 < row_id <= MAX_ID:
        raise BadCursor
    return int(row_id)


async def all_matching(session: AsyncSession, conditions: Conditions, limit: int) -> AsyncIterator[Mapping[str, Any]]:
    """Up to `limit` rows, newest first."""
    before: int | None = None
    while limit > 0:
        rows = await queries.page(session, conditions, None, None, before, min(limit, hash_chain.BATCH))
        for row in rows:
            yield row
        if not rows:
            return
        before, limit = rows[-1]["id"], limit - len(rows)
