"""A person's rights in every service: what gdpr asks for becomes the service's `privacy.export` and `erase`."""

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
from shared.privacy.events import Counts, ErasureDone, ExportPart

EXPORT, ERASURE = "gdpr.export_requested.v1", "gdpr.erasure_requested.v1"
SEALED_PART = "gdpr export part"

REMEMBER = """
    INSERT INTO {schema}.erased_subjects (subject_id, request_id, request_version, erased_at, rows)
    VALUES (:subject_id, :request_id, :version, :erased_at, CAST(:rows AS jsonb))
    ON CONFLICT (subject_id) DO UPDATE SET
        request_id = excluded.request_id, request_version = excluded.request_version, rows = excluded.rows,
        erased_at = greatest(erased_subjects.erased_at, excluded.erased_at), proven_at = NULL
"""
UNPROVEN = """
    SELECT subject_id, request_id, request_version, rows FROM {schema}.erased_subjects
    WHERE proven_at IS NULL ORDER BY erased_at LIMIT 1000
"""
PROVEN = """
    UPDATE {schema}.erased_subjects SET proven_at = clock_timestamp()
    WHERE subject_id = :subject_id AND request_id = :request_id AND proven_at IS NULL RETURNING 1
"""
FORGOTTEN_SINCE = "SELECT subject_id FROM {schema}.erased_subjects WHERE erased_at > :since ORDER BY erased_at DESC"


class Privacy(Protocol):
    """A service's privacy.py."""

    async def export(self, session: AsyncSession, subject_id: UUID) -> dict[str, Any]: ...
    async def erase(self, session: AsyncSession, subject_id: UUID) -> dict[str, int]: ...


class _Requested(BaseModel):
    version: int
    request_id: UUID
    subject_id: UUID


class _ErasureRequested(_Requested):
    services: list[str]


def subscriptions(service: str, privacy: Privacy, asked: Callable[[], None] = lambda: None) -> Subscriptions:
    """`asked` is called after each erasure, once it is committed."""
    found = Subscriptions()

    @found.on(EXPORT, _Requested)
    async def export(session: AsyncSession, event: Received[_Requested]) -> None:
        held = await privacy.export(session, event.data.subject_id)
        content = orjson.dumps(held, default=plain, option=orjson.OPT_NON_STR_KEYS)
        place = place_of(event.data.request_id, service)
        sealed = base64.b64encode(keys_of(session).seal(SEALED_PART, content, place)).decode()
        told = event.data.model_dump()
        emit(session, ExportPart(**told, service=service, rows=counts(held), sealed=sealed))

    @found.on(ERASURE, _ErasureRequested, alone=True)
    async def erase(session: AsyncSession, event: Received[_ErasureRequested]) -> None:
        if service not in event.data.services:
            return
        rows = await privacy.erase(session, event.data.subject_id)
        await _remember(session, service, event.data, event.time, rows)
        listen(session.sync_session, "after_commit", lambda _: asked(), once=True)

    return found


def place_of(request_id: UUID, service: str) -> str:
    return f"{request_id}/{service}"


def counts(held: Mapping[str, Any]) -> Counts:
    return {name: len(value) if isinstance(value, list) else int(bool(value)) for name, value in held.items()}


def plain(value: Any) -> Any:
    """What JSON has no word for: ids and times of the driver's own classes, ranges, bytes."""
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "lower") and hasattr(value, "upper") and not isinstance(value, str):
        return [value.lower, value.upper]
    return str(value)


async def _remember(
    session: AsyncSession, schema: str, request: _Requested, erased_at: datetime, rows: Mapping[str, int]
) -> None:
    values = {
        "subject_id": str(request.subject_id),
        "request_id": request.request_id,
        "version": request.version,
        "erased_at": erased_at,
        "rows": orjson.dumps(rows).decode(),
    }
    await session.execute(text(REMEMBER.format(schema=schema)), values)


async def unproven(session: AsyncSession, schema: str) -> list[dict[str, Any]]:
    found = await session.execute(text(UNPROVEN.format(schema=schema)))
    return [dict(row) for row in found.mappings()]


async def forgotten_since(session: AsyncSession, schema: str, since: datetime) -> set[str]:
    found = await session.execute(text(FORGOTTEN_SINCE.format(schema=schema)), {"since": since})
    return set(found.scalars())


async def prove(session: AsyncSession, schema: str, erased: Mapping[str, Any], dead_letters: int) -> None:
    """Tell gdpr, once."""
    values = {"subject_id": erased["subject_id"], "request_id": erased["request_id"]}
    if (await session.execute(text(PROVEN.format(schema=schema)), values)).all():
        told = {"version": erased["request_version"], "service": schema, "rows": erased["rows"]}
        emit(session, ErasureDone(**values, **told, dead_letters=dead_letters))
