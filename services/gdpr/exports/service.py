"""Exports of what is held on a person: requested from every service by event, ready when all have answered."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.data_subject_requests import queries as request_queries
from services.gdpr.data_subject_requests.service import Request, latest_request
from services.gdpr.events import ExportDownloaded, ExportReady, ExportRequested
from services.gdpr.exports import queries
from services.gdpr.people import queries as people_queries
from services.gdpr.processing_records import inventory
from shared.errors import NotFound
from shared.identity.derived_keys import keys_of
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.privacy.data_subject_requests import SEALED_PART, place_of

EXPORT_KEPT = timedelta(days=7)


async def request_export(
    session: AsyncSession, principal: Principal, subject_id: UUID, *, renew: bool = False
) -> Request:
    """The person's export, which is started if there is none, or with `renew` if the last one is done.

    Raises NotFound if the caller is neither the person nor an admin, and if there is no such person.
    """
    person = await people_queries.find_person(session, subject_id)
    is_own = principal.id == subject_id  # the event about a new user may not have arrived yet
    if not is_own and (principal.role != Role.ADMIN or person is None):
        raise NotFound
    if person is not None and person.erased_at is not None:
        raise NotFound
    latest = await request_queries.latest(session, "export", subject_id)
    if latest is None or latest.status not in {"running", "done"} or (renew and latest.status == "done"):
        await _start(session, principal, subject_id)
    return await latest_request(session, "export", subject_id)


async def _start(session: AsyncSession, principal: Principal, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "export", "subject_id": subject_id, "requested_by": principal.id}
    if await request_queries.add(session, values, inventory.services()):
        emit(session, ExportRequested(version=1, request_id=request_id, subject_id=subject_id))


async def read_parts(session: AsyncSession, request: Mapping[str, Any], file_format: str) -> dict[str, bytes]:
    """Service -> what it holds, as JSON. The download is audited. Raises NotFound if the data has expired."""
    sealed = await queries.sealed_parts(session, request["id"])
    if not sealed or request["expires_at"] < datetime.now(UTC):
        raise NotFound
    ids = {"request_id": request["id"], "subject_id": request["subject_id"]}
    emit(session, ExportDownloaded(version=request["version"], **ids, format=file_format))
    return {service: _unseal(session, request["id"], service, part) for service, part in sealed.items()}


def _unseal(session: AsyncSession, request_id: UUID, service: str, sealed: bytes) -> bytes:
    return keys_of(session).shared_with(service).unseal(SEALED_PART, sealed, place_of(request_id, service))


async def store_part(
    session: AsyncSession, request_id: UUID, service: str, rows: Mapping[str, int], sealed: str
) -> None:
    """Stores a service's part, and finishes the export with the last. Raises SealBroken if the part was sealed for
    another request or service."""
    request = await request_queries.find(session, request_id, lock=True)
    if request is None or request.kind != "export" or request.status != "running":
        return
    content = base64.b64decode(sealed)
    _unseal(session, request_id, service, content)
    await request_queries.store_answer(session, request_id, service, rows=dict(rows), sealed=content)
    if not await request_queries.waiting_for(session, request_id):
        done = await request_queries.finish(session, request_id, EXPORT_KEPT)
        ids = {"request_id": request_id, "subject_id": done.subject_id}
        emit(session, ExportReady(version=done.version, **ids, expires_at=done.expires_at))
