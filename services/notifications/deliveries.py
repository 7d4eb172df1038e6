"""Deliveries: claimed for sending, settled with what came of it, listed and sent again by staff."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import queries
from services.notifications.errors import DeliveryBusy
from services.notifications.events import NotificationDelivered, NotificationFailed
from services.notifications.mails import Names
from services.notifications.mailserver import Failure
from services.notifications.queries import Row
from shared.errors import NotFound
from shared.events import emit
from shared.schemas import decode_cursor, encode_cursor

# all in seconds
PATIENCE = 24 * 3600.0  # for a contact to become known, a mail server to answer
NAMES_PATIENCE = 60.0  # for names that the mail can do without
NAMES_PAUSE = 1.0
CONTACT_PAUSE = 30.0  # the contact's own event hastens it
LEASE = 120.0
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_UNREACHABLE = 5.0, 3600.0, 60.0
MOST_REFUSALS = 12
BATCH = 10

WAKE = asyncio.Event()


def wake_after_commit(session: AsyncSession) -> None:
    """Let this process's sender look at once, rather than at its next poll."""
    event.listen(session.sync_session, "after_commit", lambda _: WAKE.set(), once=True)


@dataclass(frozen=True)
class Batch:
    rows: Sequence[Row]
    names: Names


async def claim(session: AsyncSession, batch: int = BATCH) -> Batch:
    """Take what is due for LEASE seconds; postpone or give up what cannot be sent."""
    rows = await queries.due(session, batch)
    names = await _names(session, rows)
    taken = [await _take(session, row, names) for row in rows]
    return Batch([row for row in taken if row is not None], names)


async def _take(session: AsyncSession, row: Row, names: Names) -> Row | None:
    late = row["now"] >= row["give_up_at"]
    if row["active"] is False:
        await _give_up(session, row, "contact_inactive")
    elif row["email"] is None and late:
        await _give_up(session, row, "no_contact")
    elif late and row["attempts"]:
        await _give_up(session, row, row["error"] or "gave_up")
    elif row["email"] is None:
        await _wait(session, row, CONTACT_PAUSE, "no_contact")
    elif _names_may_come(row, names):
        await _wait(session, row, NAMES_PAUSE, "no_names")
    else:
        lease = row["now"] + timedelta(seconds=LEASE)
        return await queries.change(session, row, status="sending", lease_until=lease, attempts=row["attempts"] + 1)
    return None


async def _wait(session: AsyncSession, row: Row, seconds: float, error: str) -> None:
    due = row["now"] + timedelta(seconds=seconds)
    await queries.change(session, row, status="queued", lease_until=None, due_at=due, error=error)


async def _give_up(session: AsyncSession, row: Row, error: str) -> None:
    failed = await queries.change(session, row, status="failed", lease_until=None, error=error)
    if failed is not None:
        emit(session, NotificationFailed.model_validate(_told(failed)))


def _names_may_come(row: Row, names: Names) -> bool:
    """Names are told by other events, which may be some moments behind."""
    known = (
        all(id_ in names.treatments for id_ in _ids(row, "treatment_id"))
        and all(id_ in names.locticians for id_ in _ids(row, "loctician_id"))
        and (row["part"] == "customer" or UUID(row["data"]["customer_id"]) in names.customers)
    )
    return not known and row["now"] < row["created_at"] + timedelta(seconds=NAMES_PATIENCE)


async def _names(session: AsyncSession, rows: Sequence[Row]) -> Names:
    if not rows:
        return Names()
    return Names(
        await queries.treatments_called(session, {id_ for row in rows for id_ in _ids(row, "treatment_id")}),
        await queries.locticians_called(session, {id_ for row in rows for id_ in _ids(row, "loctician_id")}),
        await queries.customers_called(session, {UUID(row["data"]["customer_id"]) for row in rows}),
    )


def _ids(row: Row, name: str) -> set[UUID]:
    return {UUID(item[name]) for item in row["data"]["items"]}


async def settle(session: AsyncSession, row: Row, failure: Failure | None, message_id: str) -> None:
    """Write down what came of a claimed delivery. Nothing if the lease ran out and another worker has it."""
    now = await queries.now(session)
    if failure is None:
        values: dict[str, Any] = {"status": "sent", "sent_at": now, "error": None}
    elif failure.permanent or now >= row["give_up_at"] or _refused_too_often(row, failure):
        values = {"status": "failed", "error": failure.code}
    else:
        due = now + timedelta(seconds=pause(row["attempts"], failure))
        values = {"status": "queued", "due_at": due, "error": failure.code}
    settled = await queries.change(session, row, lease_until=None, message_id=message_id, **values)
    if settled is None or settled["status"] == "queued":
        return
    told = NotificationDelivered if settled["status"] == "sent" else NotificationFailed
    emit(session, told.model_validate(_told(settled)))


async def release(session: AsyncSession, row: Row) -> None:
    """Give back a claimed delivery that was not tried."""
    await queries.change(session, row, status="queued", lease_until=None, attempts=row["attempts"] - 1)


def pause(attempts: int, failure: Failure) -> float:
    """Seconds until the next attempt: exponential, with jitter of a fifth."""
    longest = LONGEST_UNREACHABLE if failure.unreachable else LONGEST_PAUSE
    growing = FIRST_PAUSE * float(2 ** min(attempts - 1, 16))
    return min(longest, growing) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load


def _refused_too_often(row: Row, failure: Failure) -> bool:
    return not failure.unreachable and row["attempts"] >= MOST_REFUSALS


def _told(row: Row) -> dict[str, Any]:
    names = ("event_id", "recipient_id", "channel", "kind", "attempts", "error", "version")
    return {"delivery_id": row["id"], **{name: row[name] for name in names}}


async def listed(
    session: AsyncSession, conditions: Mapping[str, Any], cursor: str | None, limit: int
) -> dict[str, Any]:
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await queries.deliveries_page(session, conditions, before, limit + 1)
    more = encode_cursor(str(rows[limit - 1]["id"])) if len(rows) > limit else None
    return {"items": rows[:limit], "next_cursor": more}


async def resend(session: AsyncSession, delivery_id: UUID) -> Row:
    """Queue it again, due now, as a new mail if it was sent before. Raises NotFound, DeliveryBusy."""
    row = await queries.locked_delivery(session, delivery_id)
    if row is None:
        raise NotFound
    if row["status"] == "sending":
        raise DeliveryBusy
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
    wake_after_commit(session)
    return again or row
