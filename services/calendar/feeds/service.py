"""Creates, revokes and renders feeds: one secret address a person, where calendar programs fetch the appointments."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.calendar import events
from services.calendar.appointments import queries as appointment_queries
from services.calendar.dependencies import SALON_ROLES
from services.calendar.feeds import ics_writer, queries, serializers
from services.calendar.feeds.tokens import feed_token, hash_token, is_token
from services.calendar.names import queries as name_queries
from services.calendar.rows import Row, Rows
from services.calendar.settings import CalendarSettings
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.http.idempotency import fingerprint, once
from shared.identity.principals import SERVICE_CLAIMS, Claims, Principal
from shared.messaging.events import emit, new_id

PAST, AHEAD = timedelta(days=90), timedelta(days=400)
MAX_EVENTS = 2000
CANCELLED_KEPT = timedelta(days=30)
OWNER_COLUMNS = {"loctician": "loctician_id", "customer": "customer_id"}


@dataclass(frozen=True)
class Document:
    content: bytes
    etag: str
    modified: datetime  # in whole seconds


async def create_feed(
    session: AsyncSession, principal: Principal, owner_id: UUID, settings: CalendarSettings, key: str | None
) -> dict[str, Any]:
    """Replaces the caller's earlier feed of the owner; staff never replace the owner's own.

    Only a repeated request with the same idempotency key sees the address again.

    Raises IdempotencyKeyReused.
    """
    kind = _kind_for(principal.role)
    request = fingerprint("feed", str(owner_id), kind)
    feed = await once(
        session, principal.id, key, request, lambda: _replace(session, owner_id, principal.id, kind, settings)
    )
    token = feed_token(settings, UUID(feed["id"]))
    return feed | {"token": token, "url": f"{settings.public_url}/api/v1/calendar/feeds/{token}.ics"}


def _kind_for(role: str) -> str:
    return "customer" if role == Role.CUSTOMER else "loctician"


async def _replace(
    session: AsyncSession, owner_id: UUID, holder_id: UUID, kind: str, settings: CalendarSettings
) -> dict[str, Any]:
    await revoke_if_any(session, owner_id, holder_id)
    feed_id = new_id()
    row = {
        "owner_id": owner_id,
        "id": feed_id,
        "kind": kind,
        "token_hash": hash_token(feed_token(settings, feed_id)),
        "created_at": datetime.now(UTC),
        "content_hash": None,
        "modified_at": None,
    }
    await queries.put(session, holder_id, row)
    by_staff = holder_id != owner_id
    emit(session, events.FeedCreated(version=1, feed_id=feed_id, owner_id=owner_id, kind=kind, by_staff=by_staff))
    return dict(serializers.feed(row))


async def get_feed(session: AsyncSession, principal: Principal, owner_id: UUID) -> dict[str, Any]:
    """The caller's feed of the owner. Raises NotFound."""
    row = await queries.feed_of(session, owner_id, principal.id)
    if row is None:
        raise NotFound
    return serializers.feed(row)


async def revoke_feed(session: AsyncSession, principal: Principal, owner_id: UUID) -> None:
    """The owner ends the feeds that staff hold of the own appointments too. Raises NotFound."""
    revoked = await revoke_if_any(session, owner_id, principal.id)
    if principal.id == owner_id:
        revoked = await revoke_staff_feeds(session, owner_id=owner_id) or revoked
    if not revoked:
        raise NotFound


async def revoke_if_any(session: AsyncSession, owner_id: UUID, holder_id: UUID) -> bool:
    """Returns whether there was a feed. `holder_id`: the owner, or the member of staff who made it."""
    row = await queries.remove(session, owner_id, holder_id)
    if row is not None:
        _emit_revoked(session, row)
    return row is not None


async def revoke_staff_feeds(session: AsyncSession, **whose: UUID) -> bool:
    """`whose`: owner_id or holder_id. Returns whether there was any."""
    rows = await queries.remove_staff_feeds(session, **whose)
    for row in rows:
        _emit_revoked(session, row)
    return bool(rows)


def _emit_revoked(session: AsyncSession, row: Row) -> None:
    emit(session, events.FeedRevoked(version=2, feed_id=row["id"], owner_id=row["owner_id"], kind=row["kind"]))


async def revoke_unless_allowed(session: AsyncSession, person_id: UUID, role: str, *, active: bool) -> None:
    """Ends what the person may not have any more: all feeds when deactivated, one of another kind than the role has,
    and those held of others without the role for it."""
    row = await queries.feed_of(session, person_id, person_id)
    if row is not None and not (active and row["kind"] == _kind_for(role)):
        await revoke_if_any(session, person_id, person_id)
    if not (active and _kind_for(role) == "loctician"):
        await revoke_staff_feeds(session, owner_id=person_id)
    if not (active and role in SALON_ROLES):
        await revoke_staff_feeds(session, holder_id=person_id)


async def render_feed(database: Database, token: str) -> Document:
    """The feed of a token. Raises NotFound if the token is unknown or revoked."""
    feed, language = await _find_feed(database, token)
    rows, names, place = await _read_content(database, feed, language)
    # in a thread: a long feed would block the event loop
    content = await asyncio.to_thread(ics_writer.write, feed["kind"], rows, names, language, feed["owner_id"], place)
    content_hash = hashlib.sha256(content).digest()
    modified = feed["modified_at"] if feed["content_hash"] == content_hash else None
    if modified is None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            modified = await queries.modified_at(session, feed["id"], content_hash)
    if modified is None:
        raise NotFound
    return Document(content, f'"{content_hash.hex()[:32]}"', modified)


async def _find_feed(database: Database, token: str) -> tuple[Row, str]:
    if not is_token(token):
        raise NotFound
    async with transaction(database, SERVICE_CLAIMS) as session:
        feed = await queries.feed_with_token(session, hash_token(token))
        if feed is None:
            raise NotFound
        return feed, await name_queries.language_of(session, feed["owner_id"])


async def _read_content(database: Database, feed: Row, language: str) -> tuple[Rows, dict[UUID, str], str]:
    """Reads with the owner's claims, so that row security keeps out everybody else's appointments."""
    now = datetime.now(UTC)
    owner_id, column = feed["owner_id"], OWNER_COLUMNS[feed["kind"]]
    async with transaction(database, Claims(role=feed["kind"], sub=owner_id)) as session:
        rows = await appointment_queries.appointments_of(session, column, owner_id, now - PAST, now + AHEAD, MAX_EVENTS)
        rows = [row for row in rows if not _is_cancelled_before(row, now - CANCELLED_KEPT)]
        locticians = {row["loctician_id"] for row in rows} | {owner_id}
        names = await name_queries.names_for(session, {row["treatment_id"] for row in rows}, locticians, language)
        return rows, names, await name_queries.salon_place(session)


def _is_cancelled_before(row: Row, instant: datetime) -> bool:
    cancelled: bool = row["status"] == appointment_queries.CANCELLED and row["changed_at"] <= instant
    return cancelled
