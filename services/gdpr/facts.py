"""What of an event the audit log keeps: the fields named here, and of those only ids, codes, times and figures.

A type not named keeps none of its data. So no name, address or free text gets in, even by mistake of a publisher.
"""

import re
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]  # field -> True to keep a plain value, or the fields of the objects in it

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+/-]{0,99}")
PHONE = re.compile(r"\+?[0-9][0-9 .()/-]{5,}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d))?")
MOST_ITEMS = 1000


def _plain(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, True)


USER = _plain("user_id", "role", "language", "email_verified")
SESSION = _plain("session_id", "user_id", "reason", "new_device")
TREATMENT = _plain("treatment_id", "category", "duration_minutes", "price_amount", "currency", "active")
SPAN = _plain("start", "end")
ITEM = SPAN | _plain("item_id", "treatment_id", "loctician_id", "blocked_start", "blocked_end", "price_amount")
BOOKING = SPAN | _plain("booking_id", "status", "customer_id", "price_amount", "currency", "reason", "previous_start")
TIME_OFF = SPAN | _plain("time_off_id", "loctician_id")
DELIVERY = _plain("delivery_id", "event_id", "recipient_id", "channel", "kind", "attempts", "error")

KEPT: Mapping[str, Fields] = {
    "user": USER,
    "session": SESSION,
    "login": _plain("user_id", "reason", "until"),
    "keys": _plain("kid"),
    "treatment": TREATMENT,
    "loctician": {**_plain("loctician_id"), "treatment_ids": True},
    "booking": {**BOOKING, "items": ITEM},
    "waitlist": SPAN | _plain("waitlist_id", "booking_id", "customer_id", "loctician_id", "status"),
    "calendar": {**TIME_OFF, "days": {"date": True, "windows": SPAN}},
    "notification": DELIVERY,
    "gdpr": _plain("request_id", "subject_id", "service", "kind", "status", "policy_id"),
}


def kept(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return _object(KEPT.get(type_.partition(".")[0], {}), data)


def code(value: object) -> str | None:
    """The value if it is an id, a code or an instant; None for anything that could be said of a person."""
    if not isinstance(value, str) or not CODE.fullmatch(value):
        return None
    return value if INSTANT.fullmatch(value) or not PHONE.fullmatch(value) else None


def _object(fields: Fields, data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(inner, data[name]) for name, inner in fields.items() if name in data}


def _value(fields: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(fields, one) for one in value[:MOST_ITEMS]]
    if isinstance(value, Mapping):
        return _object(fields, value) if isinstance(fields, Mapping) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return code(value)
