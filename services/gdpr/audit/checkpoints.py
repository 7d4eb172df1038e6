"""Signs the audit log's checkpoints again after SECRET_KEY has changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import hash_chain, queries
from services.gdpr.audit.hash_chain import Broken
from services.gdpr.events import AuditReanchored
from shared.identity.derived_keys import keys_of
from shared.messaging.events import emit

Checkpoint = dict[str, Any]


class BrokenCheckpointError(Exception):
    """A checkpoint has no signature of a known key, or does not continue the one before it. Nothing was signed."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken)
        self.broken = broken


async def sign_again(session: AsyncSession) -> tuple[int, int]:
    """Signs every checkpoint with SECRET_KEY that SECRET_KEY or SECRET_KEY_PREVIOUS has signed.

    Returns the number of checkpoints, and of rows that were recorded while the earlier key was unknown and are now
    signed for the first time. Raises BrokenCheckpointError.
    """
    await queries.lock_head(session)
    checkpoints = [dict(row._mapping) for row in await queries.list_checkpoints(session)]
    unsigned = 0
    for checkpoint in checkpoints:
        unsigned += await _count_unsigned_rows(session, checkpoint)
        checkpoint["signature"] = hash_chain.sign(keys_of(session), checkpoint)
        await queries.update_signature(session, checkpoint["month"], checkpoint["signature"])
    broken = hash_chain.check_checkpoints(keys_of(session), checkpoints)
    if broken:
        raise BrokenCheckpointError(broken)
    last_id = checkpoints[-1]["last_id"] if checkpoints else 0
    emit(session, AuditReanchored(version=1, last_id=last_id, months=len(checkpoints), unsigned=unsigned))
    return len(checkpoints), unsigned


async def _count_unsigned_rows(session: AsyncSession, checkpoint: Checkpoint) -> int:
    """The rows at the end of the month that its signature does not cover. Raises BrokenCheckpointError."""
    if hash_chain.is_signed(keys_of(session), checkpoint):
        return 0
    _, broken = await hash_chain.check_month(session, checkpoint, checkpoint["first_id"])
    if broken:
        raise BrokenCheckpointError(broken)
    last_signed = await _last_signed_row(session, checkpoint)
    if last_signed is None:
        raise BrokenCheckpointError(Broken(checkpoint["month"], None, "anchor_changed"))
    return int(checkpoint["last_id"]) - last_signed


async def _last_signed_row(session: AsyncSession, checkpoint: Checkpoint) -> int | None:
    """The id of the row that ended the month when the signature was made."""
    next_id: int = checkpoint["first_id"]
    while rows := await queries.rows_from(
        session, checkpoint["month"], next_id, checkpoint["last_id"], hash_chain.BATCH
    ):
        for row in rows:
            if hash_chain.is_signed(keys_of(session), checkpoint | _ending_at(row)):
                return int(row["id"])
        next_id = rows[-1]["id"] + 1
    return None


def _ending_at(row: Mapping[str, Any]) -> Checkpoint:
    return {"last_id": row["id"], "head": row["hash"]}
