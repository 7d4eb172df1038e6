"""The queue of deliveries: stored with the event, claimed by a sender, settled with the outcome of the attempt."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.deliveries import queries, series
from services.notifications.deliveries.failures import Failure
from services.notifications.dispatch.messages import Message
from services.notifications.events import NotificationDelivered, NotificationFailed
from services.notifications.names.service import Names, are_complete, load_names
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.preferences.queries import find_consents
from services.notifications.rows import Row
from shared.backoff import Backoff
from shared.messaging.events import emit, new_id

# All times in seconds.
GIVE_UP_AFTER = 24 * 3600.0
LEASE = 120.0
CONTACT_PAUSE = 30.0  # the event that brings the contact ends it early
NAMES_PAUSE = 1.0
WAIT_FOR_NAMES = 60.0  # then a mail goes out without the names that are still missing
AFTER_REFUSAL = Backoff(5.0, 3600.0)
AFTER_UNREACHABLE = Backoff(5.0, 60.0)
MOST_REFUSALS = 12
BATCH = 10

SEALED = {"token", "code"}  # values in the delivery's data that auth has sealed: opened only while the delivery is sent
ADDRESS = "to"  # an address other than the contact's
TEMPORARY = {*SEALED, ADDRESS}  # deleted when the delivery is sent or given up


def enqueue_for(channel: str) -> Callable[[AsyncSession, Sequence[Message]], Awaitable[None]]:
    """The `store` of an external channel: it stores deliveries, which a sender sends after the commit."""

    async def store(session: AsyncSession, messages: Sequence[Message]) -> None:
        rows = [_delivery(message, channel) for message in messages if not series.is_merged(message)]
        if rows:
            await queries.add_deliveries(session, rows)
        for message in filter(series.is_merged, messages):
            await series.add(session, message, _delivery(message, channel))

    return store


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
        "data": dict(message.mail_data),
        "give_up_at": datetime.now(UTC) + timedelta(seconds=GIVE_UP_AFTER),
        "expires_at": message.expires_at,
        "request_id": message.request_id,
    }


@dataclass(frozen=True)
class Batch:
    rows: Sequence[Row]
    names: Names


async def claim(session: AsyncSession, channel: str, address: str, limit: int = BATCH) -> Batch:
    """Claims deliveries that are due, for LEASE seconds. Postpones or ends those that cannot be sent now.

    `address` is the column of `contacts` that the channel needs.
    """
    rows = [_with_address(row) for row in await queries.lock_due(session, channel, limit)]
    names = await load_names(session, rows)
    claimed = [await _claim(session, row, names, address) for row in rows]
    return Batch([row for row in claimed if row is not None], names)


def _with_address(row: Row) -> Row:
    """Uses the address in the delivery instead of the contact's, once the contact is known.

    Without the name, unless the address is verified: anybody can register it under a text for its owner to read.
    """
    if row["email"] is None:
        return row
    address = row["data"].get(ADDRESS, row["email"])
    verified = row["email_verified"] and address == row["email"]
    return {**row, "email": address, "full_name": row["full_name"] if verified else ""}


async def _claim(session: AsyncSession, row: Row, names: Names, address: str) -> Row | None:
    if _is_outdated(row):
        await _end(session, row, "dropped", "overtaken")
    elif (reason := _reason_to_fail(row, address)) is not None:
        await _end(session, row, "failed", reason)
    elif row["email"] is None:
        await _postpone(session, row, CONTACT_PAUSE, "no_contact")
    elif _should_wait_for_names(row, names):
        await _postpone(session, row, NAMES_PAUSE, "no_names")
    else:
        lease = row["now"] + timedelta(seconds=LEASE)
        attempts = row["attempts"] + 1
        return await queries.update_delivery(session, row, status="sending", lease_until=lease, attempts=attempts)
    return None


def _is_outdated(row: Row) -> bool:
    """A reminder of an appointment that was moved or cancelled meanwhile."""
    if row["kind"] != "reminder":
        return False
    return not row["appointment_active"] or row["appointment_start"] != datetime.fromisoformat(row["data"]["start"])


def _reason_to_fail(row: Row, address: str) -> str | None:
    """Why a delivery is not tried, or not tried again; None if it is."""
    if row["active"] is False:
        return "contact_inactive"
    if row["expires_at"] is not None and row["now"] >= row["expires_at"]:
        return "expired"
    if row["now"] >= row["give_up_at"] and (row["attempts"] or row["email"] is None):
        return row["error"] or ("no_contact" if row["email"] is None else "gave_up")
    if row["email"] is not None and row[address] is None:
        return f"no_{address}"
    return None


def _should_wait_for_names(row: Row, names: Names) -> bool:
    """Names come with events of other services, which may arrive a little later."""
    return not are_complete(row, names) and row["now"] < row["created_at"] + timedelta(seconds=WAIT_FOR_NAMES)


async def _postpone(session: AsyncSession, row: Row, seconds: float, error: str) -> None:
    due = row["now"] + timedelta(seconds=seconds)
    await queries.update_delivery(session, row, status="queued", lease_until=None, due_at=due, error=error)


async def _end(session: AsyncSession, row: Row, status: str, error: str) -> None:
    values = {"status": status, "lease_until": None, "error": error, "data": _without_temporary(row)}
    ended = await queries.update_delivery(session, row, **values)
    if ended is not None and status == "failed":
        emit(session, NotificationFailed.model_validate(_event_data(ended)))


def _without_temporary(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row["data"].items() if name not in TEMPORARY}


async def drop_without_consent(session: AsyncSession, row: Row) -> bool:
    """Drops a delivery whose recipient has withdrawn the consent since it was stored. Returns whether it did."""
    needed = NOTIFICATION_TYPES[row["kind"]].consent
    recipient = row["recipient_id"]
    withdrawn = needed is not None and (recipient, needed) not in await find_consents(session, [recipient])
    if withdrawn:
        await _end(session, row, "dropped", "no_consent")
    return withdrawn


async def settle(session: AsyncSession, row: Row, failure: Failure | None, message_id: str | None = None) -> None:
    """Records the outcome of an attempt. Does nothing if the lease ran out and another worker claimed the delivery."""
    now = await queries.database_time(session)
    if failure is None:
        sent = {"status": "sent", "sent_at": now, "error": None, "message_id": message_id}
        values: dict[str, Any] = sent | {"data": _without_temporary(row)}
    elif failure.permanent or now >= row["give_up_at"] or _refused_too_often(row, failure):
        values = {"status": "failed", "error": failure.code, "data": _without_temporary(row)}
    else:
        due = now + timedelta(seconds=retry_pause(row["attempts"], failure))
        values = {"status": "queued", "due_at": due, "error": failure.code}
    settled = await queries.update_delivery(session, row, lease_until=None, **values)
    if settled is None or settled["status"] == "queued":
        return
    event = NotificationDelivered if settled["status"] == "sent" else NotificationFailed
    emit(session, event.model_validate(_event_data(settled)))


async def release(session: AsyncSession, row: Row) -> None:
    """Gives back a claimed delivery that was not tried."""
    await queries.update_delivery(session, row, status="queued", lease_until=None, attempts=row["attempts"] - 1)


def first_attempt_at(row: Row) -> datetime | None:
    """The earliest time at which an earlier attempt may have been accepted without being recorded; None at the first
    attempt."""
    stored: datetime = row["give_up_at"] - timedelta(seconds=GIVE_UP_AFTER)
    return stored if row["attempts"] > 1 else None


def retry_pause(attempts: int, failure: Failure) -> float:
    """Seconds until the next attempt after `attempts` attempts."""
    return (AFTER_UNREACHABLE if failure.unreachable else AFTER_REFUSAL).pause(attempts - 1)


def _refused_too_often(row: Row, failure: Failure) -> bool:
    return not failure.unreachable and row["attempts"] >= MOST_REFUSALS


def _event_data(row: Row) -> dict[str, Any]:
    names = ("event_id", "recipient_id", "channel", "kind", "attempts", "error", "version")
    return {"delivery_id": row["id"], **{name: row[name] for name in names}}
