"""Which facts of an event the audit keeps: ids and codes, never who somebody is or what they wrote."""

from collections.abc import Mapping
from typing import Any

KEPT: dict[str, frozenset[str]] = {
    "user": frozenset({"user_id", "role", "language", "email_verified"}),
    "session": frozenset({"session_id", "user_id", "reason"}),
    "login": frozenset({"user_id", "reason"}),
    "booking": frozenset({"booking_id", "customer_id", "status", "start", "end", "price_amount", "currency", "reason"}),
    "treatment": frozenset({"treatment_id", "category", "duration_minutes", "price_amount", "currency", "active"}),
    "loctician": frozenset({"loctician_id", "treatment_ids"}),
    "waitlist": frozenset({"waitlist_id", "customer_id", "booking_id", "start", "end"}),
    "calendar": frozenset({"loctician_id", "time_off_id", "start", "end"}),
    "notification": frozenset({"delivery_id", "event_id", "recipient_id", "channel", "kind", "attempts", "error"}),
    "gdpr": frozenset({"request_id", "user_id", "service"}),
}


def facts_of(action: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """An entity that is not listed leaves nothing but its id in the audit's own column."""
    kept = KEPT.get(action.partition(".")[0], frozenset())
    return {name: value for name, value in data.items() if name in kept}
