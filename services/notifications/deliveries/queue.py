"""Deliveries: stored, claimed for sending, settled with what came of it, listed and sent again by staff."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.broadcasts.queries import broadcast_texts
from services.notifications.deliveries import queries
from services.notifications.deliveries.outcomes import Failure
from services.notifications.dispatch.messages import Message
from services.notifications.events import NotificationDelivered, NotificationFailed
from services.notifications.names.queries import find_customer_names, find_loctician_names, find_treatment_names
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.preferences.queries import find_consents
from services.notifications.rendering.texts import Names, instant
from services.notifications.rows import Row
from shared.messaging.events import emit, new_id

# all in seconds
PATIENCE = 24 * 3600.0  # for a contact to become known, a server to answer
NAMES_PATIENCE = 60.0  # for names that the message can do without
NAMES_PAUSE = 1.0
CONTACT_PAUSE = 30.0  # the contact's own event hastens it
LEASE = 120.0
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_UNREACHABLE = 5.0, 3600.0, 60.0
MOST_REFUSALS = 12
BATCH = 10

SECRET = "token"  # noqa: S105 - the name of a fact, as the next
TO = "to"  # an address other than the contact's
FLEETING = {SECRET, TO}  # kept until the delivery is sent or given up, no longer
NEED_SECRET = {"verification", "password_reset"}


def store(channel: str) -> Callable[[AsyncSession, Sequence[Message]], Awaitable[None]]:
    """What a channel outside the app does with messages: persist them, before any of them is sent."""

    async def tell(session: AsyncSession, messages: Sequence[Message]) -> None:
        await queries.add_deliveries(session, [_delivery(message, channel) for message in messages])

    return tell


def _delivery(message: Message, channel: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "event_id": message.event_id,
        "recipient_id": message.recipient_id,
        "channel": channel,
        "kind": message.kind,
        "part": message.part,
        "booking_id": message.booking_id,
        "booking_version": message.booking_version,
        "data": dict(message.facts),
        "give_up_at": datetime.now(UTC) + timedelta(seconds=PATIENCE),
        "expires_at": message.expires_at,
        "request_id": message.request_id,
    }


@dataclass(frozen=True)
class Batch:
    rows: Sequence[Row]
    names: Names


async def claim(session: AsyncSession, channel: str, address: str, batch: int = BATCH) -> Batch:
    """Take what is due for LEASE seconds; postpone or give up what cannot be sent. `address` names what of a contact
    the channel needs."""
    rows = [_addressed(row) for row in await queries.due(session, channel, batch)]
    names = await _names(session, rows)
    taken = [await _take(session, row, names, address) for row in rows]
    return Batch([row for row in taken if row is not None], names)


def _addressed(row: Row) -> Row:
    """With the address the delivery itself names, once its recipient is known."""
    return row if row["email"] is None else {**row, "email": row["data"].get(TO, row["email"])}


async def _take(session: AsyncSession, row: Row, names: Names, address: str) -> Row | None:
    if _overtaken(row):
        await _end(session, row, "dropped", "overtaken")
    elif (reason := _hopeless(row, address)) is not None:
        await _end(session, row, "failed", reason)
    elif row["email"] is None:
        await _wait(session, row, CONTACT_PAUSE, "no_contact")
    elif _names_may_come(row, names):
        await _wait(session, row, NAMES_PAUSE, "no_names")
    else:
        lease = row["now"] + timedelta(seconds=LEASE)
        return await queries.change(session, row, status="sending", lease_until=lease, attempts=row["attempts"] + 1)
    return None


def _overtaken(row: Row) -> bool:
    """A reminder of an appointment that has been moved or given up meanwhile."""
    if row["kind"] != "reminder":
        return False
    return not row["appointment_active"] or row["appointment_start"] != instant(row["data"]["start"])


def _hopeless(row: Row, address: str) -> str | None:
    """Why a delivery need not be tried, or tried again."""
    late = row["now"] >= row["give_up_at"]
    if row["active"] is False:
        return "contact_inactive"
    if row["expires_at"] is not None and row["now"] >= row["expires_at"]:
        return "expired"
    if late and (row["attempts"] or row["email"] is None):
        return row["error"] or ("no_contact" if row["email"] is None else "gave_up")
    if row["email"] is not None and row[address] is None:
        return f"no_{address}"
    return None


async def _wait(session: AsyncSession, row: Row, seconds: float, error: str) -> None:
    due = row["now"] + timedelta(seconds=seconds)
    await queries.change(session, row, status="queued", lease_until=None, due_at=due, error=error)


async def _end(session: AsyncSession, row: Row, status: str, error: str) -> None:
    ended = await queries.change(session, row, status=status, lease_until=None, error=error, data=_lasting(row))
    if ended is not None and status == "failed":
        emit(session, NotificationFailed.model_validate(_told(ended)))


def _lasting(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row["data"].items() if name not in FLEETING}


def _names_may_come(row: Row, names: Names) -> bool:
    """Names are told by other events, which may be some moments behind."""
    data = row["data"]
    known = (
        all(id_ in names.treatments for id_ in _ids(row, "treatment_id"))
        and all(id_ in names.locticians for id_ in _ids(row, "loctician_id"))
        and (row["part"] == "customer" or "customer_id" not in data or UUID(data["customer_id"]) in names.customers)
    )
    return not known and row["now"] < row["created_at"] + timedelta(seconds=NAMES_PATIENCE)


async def _names(session: AsyncSession, rows: Sequence[Row]) -> Names:
    if not rows:
        return Names()
    return Names(
        await find_treatment_names(session, {id_ for row in rows for id_ in _ids(row, "treatment_id")}),
        await find_loctician_names(session, {id_ for row in rows for id_ in _ids(row, "loctician_id")}),
        await find_customer_names(session, _told_of(rows, "customer_id")),
        await broadcast_texts(session, _told_of(rows, "broadcast_id")),
    )


def _told_of(rows: Sequence[Row], name: str) -> set[UUID]:
    return {UUID(row["data"][name]) for row in rows if name in row["data"]}


def _ids(row: Row, name: str) -> set[UUID]:
    return {UUID(item[name]) for item in row["data"].get("items", ())}


async def drop_without_consent(session: AsyncSession, row: Row) -> bool:
    """Whether a delivery needs a consent that was withdrawn since it was written; then it ends here."""
    needed = NOTIFICATION_TYPES[row["kind"]].consent
    recipient = row["recipient_id"]
    withdrawn = needed is not None and (recipient, needed) not in await find_consents(session, [recipient])
    if withdrawn:
        await _end(session, row, "dropped", "no_consent")
    return withdrawn


async def settle(session: AsyncSession, row: Row, failure: Failure | None, message_id: str | None = None) -> None:
    """Write down what came of a claimed delivery. Nothing if the lease ran out and another worker has it."""
    now = await queries.now(session)
    if failure is None:
        sent = {"status": "sent", "sent_at": now, "error": None, "message_id": message_id}
        values: dict[str, Any] = sent | {"data": _lasting(row)}
    elif failure.permanent or now >= row["give_up_at"] or _refused_too_often(row, failure):
        values = {"status": "failed", "error": failure.code, "data": _lasting(row)}
    else:
        due = now + timedelta(seconds=pause(row["attempts"], failure))
        values = {"status": "queued", "due_at": due, "error": failure.code}
    settled = await queries.change(session, row, lease_until=None, **values)
    if settled is None or settled["status"] == "queued":
        return
    told = NotificationDelivered if settled["status"] == "sent" else NotificationFailed
    emit(session, told.model_validate(_told(settled)))


def first_attempt_at(row: Row) -> datetime | None:
    """Since when a claimed delivery has been tried in vain, so that an attempt may have been taken and not recorded;
    None at the first attempt."""
    begun: datetime = row["give_up_at"] - timedelta(seconds=PATIENCE)
    return begun if row["attempts"] > 1 else None


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
