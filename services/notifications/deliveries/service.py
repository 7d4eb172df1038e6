"""What the salon does with deliveries: list them, and send one again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.deliveries import queries
from services.notifications.deliveries.queue import GIVE_UP_AFTER, SEALED
from services.notifications.errors import DeliveryBusy, DeliveryContentDeleted
from services.notifications.events import NotificationResent
from services.notifications.rows import Row
from services.notifications.workers import wake_workers_after_commit
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, page
from shared.identity.principals import Principal
from shared.messaging.events import emit
from shared.privacy.events import audit_read

WITH_TOKEN = {
    "verification",
    "password_reset",
    "invitation",
    "email_change",
    "login_link",
    "booking_link",
    "waitlist_link",
}


async def list_deliveries(
    session: AsyncSession, principal: Principal, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> dict[str, Any]:
    """Newest first. The read is audited."""
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await queries.list_deliveries(session, conditions, before, limit + 1)
    audit_read(session, principal, "deliveries", {row["recipient_id"] for row in rows[:limit]})
    return page(rows, limit, lambda row: [row["id"]])


async def resend(session: AsyncSession, principal: Principal, delivery_id: UUID) -> Row:
    """Queues the delivery again; one that was sent gets a new Message-ID.

    Raises NotFound, DeliveryBusy, DeliveryContentDeleted.
    """
    row = await queries.lock_delivery(session, delivery_id)
    if row is None:
        raise NotFound
    if row["status"] == "sending":
        raise DeliveryBusy
    if not row["data"] or (row["kind"] in WITH_TOKEN and not SEALED & row["data"].keys()):
        raise DeliveryContentDeleted
    changed = await queries.update_delivery(
        session,
        row,
        status="queued",
        attempts=0,
        resends=row["resends"] + (row["status"] == "sent"),
        due_at=row["now"],
        give_up_at=row["now"] + timedelta(seconds=GIVE_UP_AFTER),
        error=None,
    )
    delivery = changed or row
    wake_workers_after_commit(session)
    emit(session, NotificationResent.model_validate(_event_data(delivery)))
    audit_read(session, principal, "deliveries", [row["recipient_id"]])
    return delivery


def _event_data(row: Row) -> dict[str, Any]:
    names = ("recipient_id", "channel", "kind", "version")
    return {"delivery_id": row["id"], **{name: row[name] for name in names}}
