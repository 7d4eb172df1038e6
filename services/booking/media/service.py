"""Pictures of the salon, its treatments and its locticians: stored as they were decoded, never as they were sent."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.dependencies import is_staff
from services.booking.errors import NotYourProfile
from services.booking.media import queries, sandbox, serializers
from services.booking.media.errors import TooManyPictures, WrongOwner
from services.booking.media.events import MediaAdded, MediaEvent, MediaRemoved
from services.booking.serializers import Answer
from shared.database.session import Database, transaction
from shared.errors import Forbidden, NotFound
from shared.http.idempotency import fingerprint, once
from shared.identity.principals import Principal, claims_of
from shared.messaging.events import emit, new_id

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
MOST = {"logo": 1, "profile": 1, "salon": 24, "portfolio": 24, "treatment": 6}
REPLACED = {"logo", "profile"}  # there is one, and a new one takes its place
OF_LOCTICIANS = {"profile", "portfolio"}


@dataclass(frozen=True)
class Wanted:
    """A picture of what, and of whom."""

    kind: str
    loctician_id: UUID | None
    treatment_id: UUID | None

    @property
    def owner_id(self) -> UUID | None:
        return self.loctician_id or self.treatment_id


async def add(
    database: Database, principal: Principal, wanted: Wanted, content: bytes, media_type: str, key: str | None
) -> Answer:
    """Raises Forbidden, NotYourProfile, WrongOwner, NotAPicture, PictureTooLarge, TooManyPictures or Unavailable."""
    _check_writer(principal, wanted.kind, wanted.loctician_id)
    if (wanted.kind in OF_LOCTICIANS, wanted.kind == "treatment") != (
        wanted.loctician_id is not None,
        wanted.treatment_id is not None,
    ):
        raise WrongOwner
    sizes = await sandbox.sizes_of(content, FORMATS[media_type])  # before the transaction: it takes seconds
    sent = fingerprint("media", f"{wanted} {hashlib.sha256(content).hexdigest()}").hex()
    async with transaction(database, claims_of(principal)) as session:
        return await once(session, principal.id, key, sent, lambda: _store(session, principal, wanted, sizes))


async def _store(session: AsyncSession, principal: Principal, wanted: Wanted, sizes: sandbox.Sizes) -> Answer:
    stored = await queries.lock_pictures(session, wanted.kind, wanted.owner_id)
    if not await queries.owner_exists(session, wanted.loctician_id, wanted.treatment_id):
        raise WrongOwner
    if wanted.kind in REPLACED:
        for former in stored:
            await _remove(session, former)
    elif len(stored) >= MOST[wanted.kind]:
        raise TooManyPictures(limit=MOST[wanted.kind])
    row = await queries.add(
        session,
        {"id": new_id(), "uploaded_by": principal.id, "kind": wanted.kind}
        | {"loctician_id": wanted.loctician_id, "treatment_id": wanted.treatment_id}
        | asdict(sizes),
    )
    emit(session, _event(MediaAdded, row, 1))
    return serializers.picture(row)


async def remove(session: AsyncSession, principal: Principal, media_id: UUID) -> None:
    """Raises NotFound, Forbidden or NotYourProfile."""
    row = await queries.find(session, media_id)
    if row is None:
        raise NotFound
    _check_writer(principal, row.kind, row.loctician_id)
    await _remove(session, row)


async def _remove(session: AsyncSession, row: Any) -> None:
    await queries.remove(session, row.id)
    emit(session, _event(MediaRemoved, row, 2))


def _event(event: type[MediaEvent], row: Any, version: int) -> MediaEvent:
    return event(
        version=version, media_id=row.id, kind=row.kind, loctician_id=row.loctician_id, service_id=row.treatment_id
    )


def _check_writer(principal: Principal, kind: str, loctician_id: UUID | None) -> None:
    """Staff keep all pictures, locticians their own."""
    if is_staff(principal):
        return
    if kind not in OF_LOCTICIANS:
        raise Forbidden
    if loctician_id is not None and loctician_id != principal.id:
        raise NotYourProfile


async def read(database: Database, media_id: UUID, size: str) -> bytes:
    """The WebP file. Raises NotFound."""
    content = await queries.file(database, media_id, size)
    if content is None:
        raise NotFound
    return content
