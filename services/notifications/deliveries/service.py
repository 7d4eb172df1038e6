"""Use cases of the salon: list deliveries and send one again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.deliveries import queries
from services.notifications.deliveries.queue import NEED_SECRET, PATIENCE, SECRET
from services.notifications.errors import DeliveryBusy, DeliverySpent
from services.notifications.events import NotificationResent
from services.notifications.rows import Row
from services.notifications.workers import wake_workers_after_commit
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal
from shared.messaging.events import emit
from shared.privacy.events import audited_read


async def list_deliveries(
    session: AsyncSession, who: Principal, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> dict[str, Any]:
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await queries.list_deliveries(session, conditions, before, limit + 1)
    more = encode_cursor(str(rows[limit - 1]["id"])) if len(rows) > limit else None
    audited_read(session, who, "deliveries", {row["recipient_id"] for row in rows[:limit]})
    return {"items": rows[:limit], "next_cursor": more}


async def resend(session: AsyncSession, who: Principal, delivery_id: UUID) -> Row:
    """Queue it again, due now, as a new mail if it was sent before. Raises NotFound, DeliveryBusy,
    DeliverySpent."""
    row = await queries.lock_delivery(session, delivery_id)
    if row is None:
        raise NotFound
    if row["status"] == "sending":
        raise DeliveryBusy
    if not row["data"] or (row["kind"] in NEED_SECRET and SECRET not in row["data"]):
        raise DeliverySpent
    again = await queries.change(
        session,
        row,
        status="queued",
        attempts=0,
        resends=row["resends"] + (row["status"] == "sent"),
        due_at=row["now"],
        give_up_at=row["now"] + timedelta(seconds=PATIENCE),
        error=None,
    )
    wake_workers_after_commit(session)
    emit(session, NotificationResent.model_validate(_resent(again or row)))
    audited_read(session, who, "deliveries", [row["recipient_id"]])
    return again or row


def _resent(row: Row) -> dict[str, Any]:
    names = ("recipient_id", "channel", "kind", "version")
    return {"delivery_id": row["id"], **{name: row[name] for name in names}}
