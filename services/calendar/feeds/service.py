"""Feeds: one secret address a person, where calendar programs fetch the person's appointments."""

import asyncio
import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.calendar import events
from services.calendar.appointments import queries as appointment_queries
from services.calendar.feeds import ics_writer, queries, serializers
from services.calendar.names import queries as names_queries
from services.calendar.rows import Row, Rows
from services.calendar.settings import CalendarSettings
from shared.database.session import Database, transaction
from shared.errors import NotFound
from shared.http.idempotency import fingerprint, once
from shared.identity.principals import SERVICE_CLAIMS, Claims, Principal
from shared.messaging.events import emit, new_id

PAST, AHEAD = timedelta(days=90), timedelta(days=400)
MOST_EVENTS = 2000
CANCELLED_KEPT = timedelta(days=30)
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
OWNER_COLUMN = {"loctician": "loctician_id", "customer": "customer_id"}


@dataclass(frozen=True)
class Document:
    content: bytes
    etag: str
    last_modified: str


async def create(
    session: AsyncSession, who: Principal, owner_id: UUID, settings: CalendarSettings, key: str | None
) -> dict[str, Any]:
    """A new address in place of the one there was; told now and never again, save to the same idempotency key."""
    kind = "customer" if who.role == Role.CUSTOMER else "loctician"
    request = fingerprint("feed", str(owner_id), kind)
    made = await once(session, who.id, key, request, lambda: _replace(session, owner_id, kind, settings))
    token = _token(settings, UUID(made["id"]))
    return made | {"token": token, "url": f"{settings.public_url}/api/v1/calendar/feeds/{token}.ics"}


async def _replace(session: AsyncSession, owner_id: UUID, kind: str, settings: CalendarSettings) -> dict[str, Any]:
    await _revoke(session, owner_id)
    feed_id = new_id()
    feed = {
        "owner_id": owner_id,
        "id": feed_id,
        "kind": kind,
        "token_hash": _hash(_token(settings, feed_id)),
        "created_at": datetime.now(UTC),
    }
    await queries.put(session, feed)
    emit(session, events.FeedCreated(version=1, feed_id=feed_id, owner_id=owner_id, kind=kind))
    return dict(serializers.feed(feed))


def _token(settings: CalendarSettings, feed_id: UUID) -> str:
    """From the feed's id and the secret key: it can be told again to the same idempotency key and is stored nowhere."""
    secret = settings.secret_key.get_secret_value().encode()
    return urlsafe_b64encode(hmac.digest(secret, f"calendar feed {feed_id}".encode(), "sha256")).decode().rstrip("=")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def get(session: AsyncSession, owner_id: UUID) -> dict[str, str]:
    found = await queries.feed_of(session, owner_id)
    if found is None:
        raise NotFound
    return serializers.feed(found)


async def revoke(session: AsyncSession, owner_id: UUID) -> None:
    if not await _revoke(session, owner_id):
        raise NotFound


async def revoke_if_any(session: AsyncSession, owner_id: UUID) -> None:
    await _revoke(session, owner_id)


async def _revoke(session: AsyncSession, owner_id: UUID) -> bool:
    gone = await queries.remove(session, owner_id)
    if gone is None:
        return False
    emit(session, events.FeedRevoked(version=2, feed_id=gone["id"], owner_id=owner_id, kind=gone["kind"]))
    return True


async def document(database: Database, token: str) -> Document:
    """The feed behind a token. Raises NotFound for one that is unknown or revoked."""
    feed, language = await _feed(database, token)
    rows, names = await _content(database, feed, language)
    # it may take a while, so not on the loop's time
    content = await asyncio.to_thread(ics_writer.write, feed["kind"], rows, names, language, feed["owner_id"])
    changed = max([row["changed_at"] for row in rows], default=feed["created_at"])
    last_modified = format_datetime(changed.astimezone(UTC), usegmt=True)
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"', last_modified)


async def _feed(database: Database, token: str) -> tuple[Row, str]:
    if not TOKEN.fullmatch(token):
        raise NotFound
    async with transaction(database, SERVICE_CLAIMS) as session:
        feed = await queries.feed_with(session, _hash(token))
        if feed is None:
            raise NotFound
        return feed, await names_queries.language_of(session, feed["owner_id"])


async def _content(database: Database, feed: Row, language: str) -> tuple[Rows, dict[UUID, str]]:
    """Read as the feed's owner, so that the database itself gives nobody else's appointments."""
    now = datetime.now(UTC)
    owner_id, column = feed["owner_id"], OWNER_COLUMN[feed["kind"]]
    async with transaction(database, Claims(role=feed["kind"], sub=owner_id)) as session:
        rows = await appointment_queries.appointments_of(
            session, column, owner_id, now - PAST, now + AHEAD, MOST_EVENTS
        )
        rows = [
            row
            for row in rows
            if row["status"] != appointment_queries.CANCELLED or row["changed_at"] > now - CANCELLED_KEPT
        ]
        locticians = {row["loctician_id"] for row in rows} | {owner_id}
        names = await names_queries.names_for(session, {row["treatment_id"] for row in rows}, locticians, language)
    return rows, names
