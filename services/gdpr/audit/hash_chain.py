"""The audit's chain: each row's hash covers the row and the hash before it; each month's ends are signed.

The key of the signatures comes from SECRET_KEY and is never sent to the database. So whoever owns the database can
change rows and hashes, but not make an anchor that says so.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import queries
from shared.identity.derived_keys import Keys, keys_of

SIGNING = "gdpr audit anchor"
GENESIS = hashlib.sha256(b"loctician audit").digest()
BATCH = 5_000
KEPT_MONTHS = 60
COVERED = (
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
ANCHORED = ("month", "previous", "opening", "first_id", "last_id", "head")


@dataclass(frozen=True)
class Broken:
    month: date | None
    id: int | None
    reason: str  # changed | missing | unanchored | anchor_changed | anchor_missing


@dataclass(frozen=True)
class Verified:
    """What was looked at, and the first thing that is wrong. `next_id`: where to go on when there was too much."""

    rows: int
    broken: Broken | None
    last_id: int
    head: str
    next_id: int | None = None


def canonical(row: Mapping[str, Any], names: tuple[str, ...] = COVERED) -> bytes:
    values = [_plain(row[name]) for name in names]
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value if value is None or isinstance(value, (bool, int, list, Mapping)) else str(value)


def link(before: bytes, row: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(before + canonical(row)).digest()


def sign(keys: Keys, anchor: Mapping[str, Any]) -> bytes:
    return keys.sign(SIGNING, canonical(anchor, ANCHORED))


def signed(keys: Keys, anchor: Mapping[str, Any]) -> bool:
    return keys.verify(SIGNING, canonical(anchor, ANCHORED), anchor["signature"])


async def append(session: AsyncSession, facts: Mapping[str, Any]) -> None:
    """One row more, with the anchor that covers it. Serial: until the commit nobody else appends."""
    end = await queries.head(session)
    row = {**facts, "month": end.current_month, "recorded_at": end.recorded_at, "id": (end.last_id or 0) + 1}
    row["hash"] = link(end.head or GENESIS, row)
    await queries.add(session, row, _signed_on(keys_of(session), end, _next_anchor(end, row)))


def _signed_on(keys: Keys, end: Row[Any], anchor: dict[str, Any]) -> dict[str, Any]:
    """Signed, unless it would follow within its month on one whose signature does not hold: that one's is kept then,
    and holds no better. Otherwise whoever had changed the end would have it signed by the next event."""
    broken = end.month == anchor["month"] and not signed(keys, dict(end._mapping))
    return anchor | {"signature": end.signature if broken else sign(keys, anchor)}


def _next_anchor(end: Row[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    if end.month == row["month"]:
        begun = {"previous": end.previous, "opening": end.opening, "first_id": end.first_id}
    else:
        begun = {"previous": end.month, "opening": end.head or GENESIS, "first_id": row["id"]}
    return {"month": row["month"], **begun, "last_id": row["id"], "head": row["hash"]}


async def verify(session: AsyncSession, first_id: int = 1, most: int | None = None) -> Verified:
    """The first row that was changed or is missing, from `first_id` on and for about `most` rows.

    The anchors are all checked each time; what stands before `first_id` is taken as verified.
    """
    anchors = [dict(row._mapping) for row in await queries.anchors(session)]
    broken = check_anchors(keys_of(session), anchors)
    seen = 0
    for anchor in anchors if broken is None else ():
        if anchor["last_id"] < first_id:
            continue
        if most is not None and seen >= most:
            return _verified(seen, anchors, next_id=anchor["first_id"])
        rows, broken = await check_month(session, anchor, max(first_id, anchor["first_id"]))
        seen += rows
        if broken:
            break
    if broken is None and (stray := await queries.unanchored(session)):
        broken = Broken(None, stray, "unanchored")
    return _verified(seen, anchors, broken)


def _verified(
    seen: int, anchors: list[dict[str, Any]], broken: Broken | None = None, next_id: int | None = None
) -> Verified:
    last: dict[str, Any] = anchors[-1] if anchors else {"last_id": 0, "head": GENESIS}
    return Verified(seen, broken, last["last_id"], bytes(last["head"]).hex(), next_id)


def check_anchors(keys: Keys, anchors: list[dict[str, Any]]) -> Broken | None:
    before: dict[str, Any] = {"month": None, "head": GENESIS, "last_id": 0}
    for anchor in anchors:
        if not signed(keys, anchor):
            return Broken(anchor["month"], None, "anchor_changed")
        follows = anchor["previous"] == before["month"] and anchor["opening"] == before["head"]
        if not follows or anchor["first_id"] != before["last_id"] + 1:
            return Broken(anchor["previous"], before["last_id"] + 1, "anchor_missing")
        before = anchor
    return None


async def check_month(session: AsyncSession, anchor: Mapping[str, Any], first: int) -> tuple[int, Broken | None]:
    month, last = anchor["month"], anchor["last_id"]
    before = anchor["opening"]
    if first > anchor["first_id"]:
        (known,) = await queries.rows_from(session, month, first - 1, first - 1, 1) or [{"hash": b""}]
        before = known["hash"]
    expected = first
    while expected <= last:
        rows = await queries.rows_from(session, month, expected, last, BATCH)
        if not rows and expected == anchor["first_id"] and _dropped_by_age(month):
            return 0, None
        for row in rows:
            if row["id"] != expected:
                return expected - first, Broken(month, expected, "missing")
            before = link(before, row)
            if before != row["hash"]:
                return expected - first, Broken(month, expected, "changed")
            expected += 1
        if not rows:
            return expected - first, Broken(month, expected, "missing")
    if before != anchor["head"]:
        return last - first, Broken(month, last, "changed")
    return last - first + 1, None


def _dropped_by_age(month: date) -> bool:
    today = datetime.now(UTC).date()
    return (today.year - month.year) * 12 + today.month - month.month > KEPT_MONTHS
