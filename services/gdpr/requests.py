"""People's rights: an export or an erasure is asked of every service by event, and followed until all have answered."""

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr import inventory
from services.gdpr.errors import LastAdmin, UpcomingDuty
from services.gdpr.events import ErasureCompleted, ErasureRequested, ExportDownloaded, ExportReady, ExportRequested
from services.gdpr.queries import audit, people
from services.gdpr.queries import requests as queries
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.derived_keys import keys_of
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.privacy.data_subject_requests import SEALED_PART, place_of
from shared.privacy.events import audited_read

EXPORT_KEPT = timedelta(days=7)
BOOKED_LATELY = timedelta(days=365)
NOBODY = UUID(int=0)  # asked for an erasure that a retention policy began
FIRST = ("auth", "booking")  # the login ends first, then appointments are cancelled; all others after that
Answer = dict[str, Any]


def steps() -> list[list[str]]:
    """Who is to forget a person, in turn: the next are asked once those before have proven it."""
    services = inventory.services()
    return [*([name] for name in FIRST if name in services), [name for name in services if name not in FIRST]]


async def export(session: AsyncSession, asker: Principal, subject_id: UUID, *, renew: bool = False) -> Answer:
    """The person's export, begun if there is none. Raises NotFound for who is neither the person nor an admin, and
    when there is nobody to export."""
    person = await people.person(session, subject_id)
    own = asker.id == subject_id  # of whom gdpr may not have heard yet
    if not own and (asker.role != Role.ADMIN or person is None):
        raise NotFound
    if person is not None and person.erased_at is not None:
        raise NotFound
    found = await queries.latest(session, "export", subject_id)
    if found is None or found.status not in {"running", "done"} or (renew and found.status == "done"):
        await _ask_for_export(session, asker, subject_id)
        found = await queries.latest(session, "export", subject_id)
    return (await _answers(session, [found]))[0]


async def _ask_for_export(session: AsyncSession, asker: Principal, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "export", "subject_id": subject_id, "requested_by": asker.id}
    if await queries.open_one(session, values, inventory.services()):
        emit(session, ExportRequested(version=1, request_id=request_id, subject_id=subject_id))


async def content(session: AsyncSession, request: Mapping[str, Any], form: str) -> dict[str, bytes]:
    """Service -> what it holds, as JSON. That it was fetched is audited. Raises NotFound when it is gone."""
    sealed = await queries.sealed(session, request["id"])
    if not sealed or request["expires_at"] < datetime.now(UTC):
        raise NotFound
    told = {"request_id": request["id"], "subject_id": request["subject_id"]}
    emit(session, ExportDownloaded(version=request["version"], **told, format=form))
    return {name: _unsealed(session, request["id"], name, part) for name, part in sealed.items()}


def _unsealed(session: AsyncSession, request_id: UUID, service: str, sealed: bytes) -> bytes:
    return keys_of(session).unseal(SEALED_PART, sealed, place_of(request_id, service))


async def anonymize(session: AsyncSession, asker: Principal, subject_id: UUID) -> Answer:
    """The running erasure, or a new one. Raises NotFound, LastAdmin, UpcomingDuty."""
    await people.one_at_a_time(session)
    await _refuse_where_due(session, subject_id)
    await _ask_for_erasure(session, asker.id, subject_id)
    found = await queries.latest(session, "erasure", subject_id)
    return (await _answers(session, [found]))[0]


async def forget_never_verified(session: AsyncSession, subject_id: UUID) -> None:
    """Erases somebody who never verified the address, like anybody else; not if the salon knows them by now: as more
    than a customer, or because somebody has booked for them."""
    await people.one_at_a_time(session)
    person = await people.person(session, subject_id)
    if person is None or person.role != Role.CUSTOMER or (await people.upcoming(session, subject_id))[0]:
        return
    if not await audit.booked_within(session, subject_id, BOOKED_LATELY):
        await _ask_for_erasure(session, NOBODY, subject_id)


async def _ask_for_erasure(session: AsyncSession, asker_id: UUID, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "erasure", "subject_id": subject_id, "requested_by": asker_id}
    if await queries.open_one(session, values, inventory.services()):
        told = {"request_id": request_id, "subject_id": subject_id}
        emit(session, ErasureRequested(version=1, **told, services=steps()[0]))


async def _refuse_where_due(session: AsyncSession, subject_id: UUID) -> None:
    person = await people.person(session, subject_id)
    if person is None:
        raise NotFound
    if person.role == Role.ADMIN and person.active and not await people.other_admins(session, subject_id):
        raise LastAdmin
    count, until = await people.upcoming(session, subject_id)
    if until is not None:
        raise UpcomingDuty(count=count, extensions={"appointments": count, "until": until.isoformat()})


async def keep_part(
    session: AsyncSession, request_id: UUID, service: str, rows: Mapping[str, int], sealed: str
) -> None:
    """Raises SealBroken when the part was not sealed for this request and service."""
    request = await queries.one(session, request_id, lock=True)
    if request is None or request.kind != "export" or request.status != "running":
        return
    content = base64.b64decode(sealed)
    _unsealed(session, request_id, service, content)
    await queries.answer(session, request_id, service, rows=dict(rows), sealed=content)
    if not await queries.waiting_for(session, request_id):
        done = await queries.finish(session, request_id, EXPORT_KEPT)
        told = {"request_id": request_id, "subject_id": done.subject_id, "expires_at": done.expires_at}
        emit(session, ExportReady(version=done.version, **told))


async def keep_proof(
    session: AsyncSession, request_id: UUID, service: str, rows: Mapping[str, int], dead_letters: int
) -> None:
    """Once all of a step have answered, ask the next."""
    request = await queries.one(session, request_id, lock=True)
    if request is None or request.kind != "erasure" or request.status != "running":
        return
    await queries.answer(session, request_id, service, rows=dict(rows), dead_letters=dead_letters)
    waiting, told = await queries.waiting_for(session, request_id), {"request_id": request_id}
    told["subject_id"] = request.subject_id
    if not waiting:
        done = await queries.finish(session, request_id)
        emit(session, ErasureCompleted(version=done.version, **told))
    elif waiting.isdisjoint(steps()[request.step]):
        version = await queries.step(session, request_id, request.step + 1)
        emit(session, ErasureRequested(version=version, **told, services=steps()[request.step + 1]))


async def listed(
    session: AsyncSession, reader: Principal, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> Answer:
    """Newest first. Raises BadCursor."""
    before = None if cursor is None else tuple(decode_cursor(cursor, datetime, UUID))
    rows = await queries.page(session, conditions, before, limit + 1)
    shown = rows[:limit]
    audited_read(session, reader, "gdpr.requests", [row.subject_id for row in shown])
    more = encode_cursor(shown[-1].requested_at, shown[-1].id) if len(rows) > limit else None
    return {"items": await _answers(session, shown), "next_cursor": more}


async def shown(session: AsyncSession, reader: Principal, request_id: UUID) -> Answer:
    """Raises NotFound."""
    found = await queries.one(session, request_id)
    if found is None:
        raise NotFound
    audited_read(session, reader, "gdpr.requests", [found.subject_id])
    return (await _answers(session, [found]))[0]


async def _answers(session: AsyncSession, found: Iterable[Row[Any] | None]) -> list[Answer]:
    rows = [row for row in found if row is not None]
    parts = await queries.parts(session, [row.id for row in rows])
    return [_answer(row, [part for part in parts if part.request_id == row.id]) for row in rows]


def _answer(request: Row[Any], parts: list[Row[Any]]) -> Answer:
    open_, now = request.status == "running", datetime.now(UTC)
    return {
        **request._mapping,
        "overdue": open_ and request.deadline < now,
        "answered": [part._mapping for part in parts if part.answered_at],
        "waiting_for": [part.service for part in parts if open_ and not part.answered_at],
    }
