"""Signing the audit's anchors anew, after SECRET_KEY was changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import hash_chain, queries
from services.gdpr.audit.hash_chain import Broken
from services.gdpr.events import AuditReanchored
from shared.identity.derived_keys import keys_of
from shared.messaging.events import emit

Anchor = dict[str, Any]


class BrokenAnchorError(Exception):
    """Nothing is signed anew: this anchor was signed by no key that is known, or does not follow on the one before."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken)
        self.broken = broken


async def reanchor(session: AsyncSession) -> tuple[int, int]:
    """Signs with SECRET_KEY every anchor that it or the one before it has signed: how many those are, and how many rows
    came while the key of those before them was not known, signed now for the first time. Raises BrokenAnchorError."""
    await queries.head(session)  # nobody adds meanwhile
    anchors = [dict(row._mapping) for row in await queries.anchors(session)]
    unsigned = 0
    for anchor in anchors:
        unsigned += await _unsigned(session, anchor)
        anchor["signature"] = hash_chain.sign(keys_of(session), anchor)
        await queries.resign(session, anchor["month"], anchor["signature"])
    broken = hash_chain.check_anchors(keys_of(session), anchors)
    if broken:
        raise BrokenAnchorError(broken)
    last_id = anchors[-1]["last_id"] if anchors else 0
    emit(session, AuditReanchored(version=1, last_id=last_id, months=len(anchors), unsigned=unsigned))
    return len(anchors), unsigned


async def _unsigned(session: AsyncSession, anchor: Anchor) -> int:
    """How many rows at the end of the month its signature does not cover. Raises BrokenAnchorError."""
    if hash_chain.signed(keys_of(session), anchor):
        return 0
    _, broken = await hash_chain.check_month(session, anchor, anchor["first_id"])
    if broken:
        raise BrokenAnchorError(broken)
    covered = await _covered(session, anchor)
    if covered is None:
        raise BrokenAnchorError(Broken(anchor["month"], None, "anchor_changed"))
    return int(anchor["last_id"]) - covered


async def _covered(session: AsyncSession, anchor: Anchor) -> int | None:
    """The row with which the month ended when its signature was made."""
    following: int = anchor["first_id"]
    while rows := await queries.rows_from(session, anchor["month"], following, anchor["last_id"], hash_chain.BATCH):
        for row in rows:
            if hash_chain.signed(keys_of(session), anchor | _ending(row)):
                return int(row["id"])
        following = rows[-1]["id"] + 1
    return None


def _ending(row: Mapping[str, Any]) -> Anchor:
    return {"last_id": row["id"], "head": row["hash"]}
