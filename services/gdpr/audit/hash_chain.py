"""The audit log's hash chain: a row's hash covers the row and the hash before it; each month has a signed checkpoint.

The signing key is derived from SECRET_KEY and never sent to the database. So a person who controls the database can
change rows and hashes, but cannot sign a checkpoint that fits them (ADR 31).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from keys.derived import Keys
from services.gdpr.audit import queries
from shared.identity.derived_keys import keys_of

SIGNING = "gdpr audit anchor"
GENESIS = hashlib.sha256(b"loctician audit").digest()
BATCH = 5_000
MONTHS_KEPT = 60
HASHED_COLUMNS = (
    "month",
    "id",
    "event_id",
    "occurred_at",
    "recorded_at",
    "action",
    "entity",
    "entity_version",
    "actor_id",
    "actor_role",
    "people",
    "request_id",
    "source",
    "data",
)
SIGNED_COLUMNS = ("month", "previous", "opening", "first_id", "last_id", "head")
Checkpoint = Mapping[str, Any]


@dataclass(frozen=True)
class Broken:
    """The first error of the chain: a row, or the checkpoint of a month."""

    month: date | None
    id: int | None
    reason: str  # changed | missing | unanchored | anchor_changed | anchor_missing | cut


@dataclass(frozen=True)
class Verification:
    """The number of rows checked and the first error. `next_id`: where to continue if the limit was reached."""

    rows: int
    broken: Broken | None
    last_id: int
    head: str
    next_id: int | None = None


def canonical(row: Mapping[str, Any], columns: tuple[str, ...] = HASHED_COLUMNS) -> bytes:
    """The columns' values as JSON with sorted keys and without spaces."""
    values = [_plain(row[name]) for name in columns]
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value if value is None or isinstance(value, (bool, int, list, Mapping)) else str(value)


def hash_row(previous_hash: bytes, row: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(previous_hash + canonical(row)).digest()


def sign(keys: Keys, checkpoint: Checkpoint) -> bytes:
    return keys.sign(SIGNING, canonical(checkpoint, SIGNED_COLUMNS))


def is_signed(keys: Keys, checkpoint: Checkpoint) -> bool:
    return keys.verify(SIGNING, canonical(checkpoint, SIGNED_COLUMNS), checkpoint["signature"])


async def append(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Appends a row and moves the checkpoint. Serial: nobody else appends until the commit."""
    end = await queries.lock_head(session)
    row = {**values, "month": end.current_month, "recorded_at": end.recorded_at, "id": (end.last_id or 0) + 1}
    row["hash"] = hash_row(end.head or GENESIS, row)
    await queries.append(session, row, _sign_after(keys_of(session), end, _next_checkpoint(end, row)))


def _sign_after(keys: Keys, end: Row[Any], checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Signs the checkpoint, unless the month's last signature is invalid: it is then kept, and stays invalid.

    Otherwise the next event would sign an end of the chain that was changed.
    """
    invalid = end.month == checkpoint["month"] and not is_signed(keys, dict(end._mapping))
    return checkpoint | {"signature": end.signature if invalid else sign(keys, checkpoint)}


def _next_checkpoint(end: Row[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    if end.month == row["month"]:
        start = {"previous": end.previous, "opening": end.opening, "first_id": end.first_id}
    else:
        start = {"previous": end.month, "opening": end.head or GENESIS, "first_id": row["id"]}
    return {"month": row["month"], **start, "last_id": row["id"], "head": row["hash"]}


async def verify(session: AsyncSession, first_id: int = 1, limit: int | None = None) -> Verification:
    """Finds the first row that was changed or removed, from `first_id` on and among about `limit` rows.

    Checks all checkpoints each time; rows before `first_id` count as verified.
    """
    checkpoints = [dict(row._mapping) for row in await queries.list_checkpoints(session)]
    broken = check_checkpoints(keys_of(session), checkpoints)
    checked = 0
    for checkpoint in checkpoints if broken is None else ():
        if checkpoint["last_id"] < first_id:
            continue
        if limit is not None and checked >= limit:
            return _verification(checked, checkpoints, next_id=checkpoint["first_id"])
        rows, broken = await check_month(session, checkpoint, max(first_id, checkpoint["first_id"]))
        checked += rows
        if broken:
            break
    if broken is None and (row_id := await queries.first_uncovered_row(session)):
        broken = Broken(None, row_id, "unanchored")
    return _verification(checked, checkpoints, broken)


def _verification(
    checked: int, checkpoints: list[dict[str, Any]], broken: Broken | None = None, next_id: int | None = None
) -> Verification:
    last: dict[str, Any] = checkpoints[-1] if checkpoints else {"last_id": 0, "head": GENESIS}
    return Verification(checked, broken, last["last_id"], bytes(last["head"]).hex(), next_id)


def check_checkpoints(keys: Keys, checkpoints: list[dict[str, Any]]) -> Broken | None:
    """The first checkpoint with an invalid signature, or that does not continue the one before it."""
    before: dict[str, Any] = {"month": None, "head": GENESIS, "last_id": 0}
    for checkpoint in checkpoints:
        if not is_signed(keys, checkpoint):
            return Broken(checkpoint["month"], None, "anchor_changed")
        continues = checkpoint["previous"] == before["month"] and checkpoint["opening"] == before["head"]
        if not continues or checkpoint["first_id"] != before["last_id"] + 1:
            return Broken(checkpoint["previous"], before["last_id"] + 1, "anchor_missing")
        before = checkpoint
    return None


async def check_month(session: AsyncSession, checkpoint: Checkpoint, first: int) -> tuple[int, Broken | None]:
    """The number of rows checked from id `first` on, and the first error among them."""
    month, last = checkpoint["month"], checkpoint["last_id"]
    previous_hash = checkpoint["opening"]
    if first > checkpoint["first_id"]:
        (previous,) = await queries.rows_from(session, month, first - 1, first - 1, 1) or [{"hash": b""}]
        previous_hash = previous["hash"]
    expected = first
    while expected <= last:
        rows = await queries.rows_from(session, month, expected, last, BATCH)
        if not rows and expected == checkpoint["first_id"] and is_dropped_by_age(month):
            return 0, None
        for row in rows:
            if row["id"] != expected:
                return expected - first, Broken(month, expected, "missing")
            previous_hash = hash_row(previous_hash, row)
            if previous_hash != row["hash"]:
                return expected - first, Broken(month, expected, "changed")
            expected += 1
        if not rows:
            return expected - first, Broken(month, expected, "missing")
    if previous_hash != checkpoint["head"]:
        return last - first, Broken(month, last, "changed")
    return last - first + 1, None


def is_dropped_by_age(month: date) -> bool:
    """Whether a month, by any day of it, is older than the partitions that are kept."""
    today = datetime.now(UTC).date()
    return (today.year - month.year) * 12 + today.month - month.month > MONTHS_KEPT
