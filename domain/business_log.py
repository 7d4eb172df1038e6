"""The log lines of business events: one for each, after the broker has confirmed it, with ids only.

The relay hands over every event, so events that SQL functions write are logged too.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from shared.observability.context import bind
from shared.observability.log import logger

MESSAGES = {
    "booking.created.v1": "Booking created",
    "booking.confirmed.v1": "Booking confirmed",
    "booking.rescheduled.v1": "Booking rescheduled",
    "booking.cancelled.v1": "Booking cancelled",
    "booking.completed.v1": "Booking completed",
    "booking.no_show.v1": "Booking marked as no-show",
    "booking.no_show_undone.v1": "Booking no longer marked as no-show",
    "booking.conflicted.v1": "Booking outside opening hours",
    "booking.fits_again.v1": "Booking within opening hours again",
    "booking.requested.v1": "Booking requested",
    "booking.request_refused.v1": "Booking request refused",
    "waitlist.offered.v1": "Waitlist offer made",
    "waitlist.accepted.v1": "Waitlist offer accepted",
    "waitlist.expired.v1": "Waitlist offer expired",
    "user.registered.v1": "User registered",
    "user.verified.v1": "User verified",
    "user.role_changed.v1": "User role changed",
    "user.deactivated.v1": "User deactivated",
    "user.reactivated.v1": "User reactivated",
    "session.started.v1": "User logged in",
    "session.revoked.v1": "Session ended",
    "login.failed.v1": "Login failed",
    "login.locked.v1": "Login locked",
    "calendar.time_off_added.v1": "Time off added",
    "calendar.time_off_removed.v1": "Time off removed",
    "notification.failed.v1": "Notification failed",
    "broadcast.requested.v1": "Broadcast requested",
    "gdpr.consent_changed.v1": "Consent changed",
    "gdpr.export_requested.v1": "Export requested",
    "gdpr.erasure_requested.v1": "Erasure requested",
    "gdpr.erasure_completed.v1": "Erasure completed",
}
RENAMED = {"request_id": "data_request_id"}  # request_id is that of the HTTP request
CODES = ("status", "reason", "role", "channel", "kind")  # of closed sets of values


def write(service: str, row: Mapping[str, Any]) -> None:
    """Logs a published row of the outbox, if its type is one of MESSAGES."""
    message = MESSAGES.get(row["type"])
    if message is None:
        return
    data = orjson.loads(row["data"])
    fields = {RENAMED.get(name, name): value for name, value in data.items() if _is_logged(name)}
    fields |= {"event_type": row["type"], "event_id": str(row["event_id"])}
    fields |= {"actor_id": row["actor_id"], "actor_role": row["actor_role"]}
    with bind(request_id=row["request_id"], traceparent=row["traceparent"]):
        log = logger(f"services.{service}.events")
        log.info(message, **{name: value for name, value in fields.items() if value is not None})


def _is_logged(name: str) -> bool:
    return name.endswith("_id") or name in CODES
