import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.data_subject_requests import queries
from services.gdpr.data_subject_requests.service import Answer, with_parts
from services.gdpr.events import ExportDownloaded, ExportReady, ExportRequested
from services.gdpr.exports import queries as export_queries
from services.gdpr.people import queries as people
from services.gdpr.processing_records import inventory
from shared.errors import NotFound
from shared.identity.derived_keys import keys_of
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.privacy.data_subject_requests import SEALED_PART, place_of

EXPORT_KEPT = timedelta(days=7)


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
    return (await with_parts(session, [found]))[0]


async def _ask_for_export(session: AsyncSession, asker: Principal, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "export", "subject_id": subject_id, "requested_by": asker.id}
    if await queries.open_one(session, values, inventory.services()):
        emit(session, ExportRequested(version=1, request_id=request_id, subject_id=subject_id))


async def content(session: AsyncSession, request: Mapping[str, Any], form: str) -> dict[str, bytes]:
    """Service -> what it holds, as JSON. That it was fetched is audited. Raises NotFound when it is gone."""
    sealed = await export_queries.sealed(session, request["id"])
    if not sealed or request["expires_at"] < datetime.now(UTC):
        raise NotFound
    told = {"request_id": request["id"], "subject_id": request["subject_id"]}
    emit(session, ExportDownloaded(version=request["version"], **told, format=form))
    return {name: _unsealed(session, request["id"], name, part) for name, part in sealed.items()}


def _unsealed(session: AsyncSession, request_id: UUID, service: str, sealed: bytes) -> bytes:
    return keys_of(session).unseal(SEALED_PART, sealed, place_of(request_id, service))


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
