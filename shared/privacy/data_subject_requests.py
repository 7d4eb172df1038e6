"""Data subject requests (GDPR art. 15, 17, 20): gdpr's events call the service's `privacy.export` and `erase`."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncSession

from shared.identity.derived_keys import keys_of
from shared.messaging.events import emit
from shared.messaging.subscriptions import Received, Subscriptions
from shared.privacy.events import Counts, ExportPart

EXPORT, ERASURE = "gdpr.export_requested.v1", "gdpr.erasure_requested.v1"
SEALED_PART = "gdpr export part"  # the purpose of the key that seals it

RECORD_ERASURE = text("""
    INSERT INTO erased_subjects (subject_id, request_id, request_version, erased_at, rows)
    VALUES (:subject_id, :request_id, :version, :erased_at, CAST(:rows AS jsonb))
    ON CONFLICT (subject_id) DO UPDATE SET
        request_id = excluded.request_id, request_version = excluded.request_version, rows = excluded.rows,
        erased_at = greatest(erased_subjects.erased_at, excluded.erased_at), reported_at = NULL
""")

IS_ERASED = text("SELECT EXISTS (SELECT FROM erased_subjects WHERE subject_id = :subject_id)")


class Privacy(Protocol):
    """A service's privacy.py."""

    async def export(self, session: AsyncSession, subject_id: UUID) -> dict[str, Any]: ...
    async def erase(self, session: AsyncSession, subject_id: UUID) -> dict[str, int]: ...


class _Request(BaseModel):
    version: int
    request_id: UUID
    subject_id: UUID


class _ErasureRequest(_Request):
    services: list[str]


def subscriptions(service: str, privacy: Privacy, on_erasure: Callable[[], None] = lambda: None) -> Subscriptions:
    """`on_erasure` is called after each erasure, once it is committed."""
    requests = Subscriptions()

    @requests.on(EXPORT, _Request)
    async def export(session: AsyncSession, event: Received[_Request]) -> None:
        data = await privacy.export(session, event.data.subject_id)
        content = orjson.dumps(data, default=to_json, option=orjson.OPT_NON_STR_KEYS)
        place = place_of(event.data.request_id, service)
        sealed = base64.b64encode(keys_of(session).shared_with("gdpr").seal(SEALED_PART, content, place)).decode()
        emit(session, ExportPart(**event.data.model_dump(), service=service, rows=counts(data), sealed=sealed))

    @requests.on(ERASURE, _ErasureRequest, alone=True)
    async def erase(session: AsyncSession, event: Received[_ErasureRequest]) -> None:
        if service not in event.data.services:
            return
        rows = await privacy.erase(session, event.data.subject_id)
        await _record_erasure(session, event.data, event.time, rows)
        listen(session.sync_session, "after_commit", lambda _: on_erasure(), once=True)

    return requests


async def is_erased(session: AsyncSession, subject_id: UUID) -> bool:
    """Whether the person was erased here: no event brings them back, whatever its time."""
    return bool((await session.execute(IS_ERASED, {"subject_id": str(subject_id)})).scalar_one())


def place_of(request_id: UUID, service: str) -> str:
    return f"{request_id}/{service}"


def counts(data: Mapping[str, Any]) -> Counts:
    return {name: len(value) if isinstance(value, list) else int(bool(value)) for name, value in data.items()}


def to_json(value: Any) -> Any:
    """For values that JSON has no type for: ids and times of the driver's own classes, ranges, bytes."""
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "lower") and hasattr(value, "upper") and not isinstance(value, str):
        return [value.lower, value.upper]
    return str(value)


async def _record_erasure(
    session: AsyncSession, request: _Request, erased_at: datetime, rows: Mapping[str, int]
) -> None:
    values = {
        "subject_id": str(request.subject_id),
        "request_id": request.request_id,
        "version": request.version,
        "erased_at": erased_at,
        "rows": orjson.dumps(rows).decode(),
    }
    await session.execute(RECORD_ERASURE, values)
