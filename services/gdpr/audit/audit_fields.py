"""Which fields of an event the audit log keeps. Of those only ids, codes, times and numbers are stored.

Of a type that is not listed, no data is kept. So no name, address or free text is stored, even if a publisher puts one
into the wrong field.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

Fields = Mapping[str, Any]  # field -> True to keep a plain value, or the fields of the objects in it

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+/-]{0,99}")
PHONE = re.compile(r"\+?[0-9][0-9 .()/-]{5,}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d))?")
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_ITEMS = 1000
MAX_PEOPLE = 200
COUNTS: Mapping[str, Any] = {}  # marks an object of numbers: table -> rows
PEOPLE = frozenset({"user_id", "customer_id", "loctician_id", "recipient_id", "owner_id", "subject_id", "subject_ids"})


def _plain(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, True)


USER = _plain("user_id", "role", "language", "email_verified", "active", "reason")
SESSION = _plain("session_id", "user_id", "reason", "new_device", "expires_at", "ip", "kid")
TREATMENT = _plain("service_id", "category", "duration_minutes", "price_amount", "currency", "active")
SPAN = _plain("start", "end")
ITEM = SPAN | _plain("item_id", "service_id", "loctician_id", "blocked_start", "blocked_end", "price_amount")
BOOKING = SPAN | _plain(
    "booking_id", "status", "customer_id", "price_amount", "currency", "reason", "previous_start", "series_id"
)
OFFER = SPAN | _plain("waitlist_id", "offer_id", "booking_id", "customer_id", "loctician_id", "status", "expires_at")
TIME_OFF = SPAN | _plain("time_off_id", "loctician_id")
FEED = _plain("feed_id", "import_id", "owner_id", "kind")
SALON = _plain(
    "buffers_within_hours",
    "cancellation_window_hours",
    "confirm_by_hand",
    "horizon_days",
    "minimum_notice_minutes",
    "offer_minutes",
    "confirm_within_hours",
    "open_bookings_per_customer",
)
DELIVERY = _plain("delivery_id", "event_id", "recipient_id", "channel", "kind", "attempts", "error")
REQUEST = _plain("request_id", "subject_id", "service", "services", "format", "expires_at", "runs_at", "dead_letters")
CONSENT = _plain("user_id", "purpose", "granted", "text_version")
REANCHORED = _plain("last_id", "months", "unsigned")
RETENTION = _plain("run_id", "service", "policy", "keep_days", "counted", "removed", "dry_run")

KEPT: Mapping[str, Fields] = {
    "user": USER,
    "session": SESSION,
    "login": SESSION,
    "keys": SESSION,
    "treatment": TREATMENT,
    "loctician": {**_plain("loctician_id"), "service_ids": True},
    "booking": {**BOOKING, "items": ITEM},
    "waitlist": OFFER,
    "salon": SALON,
    "media": _plain("media_id", "kind", "loctician_id", "service_id"),
    "calendar": {**TIME_OFF, **FEED, "days": {"date": True, "closed_for": True, "windows": SPAN}},
    "preferences": _plain("user_id", "switched_off"),
    "broadcast": _plain("broadcast_id", "audience", "mail"),
    "notification": DELIVERY,
    "access": _plain("subject_id", "subject_ids", "resource"),
    "gdpr": {**REQUEST, **CONSENT, **REANCHORED, **RETENTION, "rows": COUNTS, "policies": RETENTION},
}


def keep_fields(event_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return _keep_object(KEPT.get(event_type.partition(".")[0], {}), data)


def people_in(entity: str, data: Mapping[str, Any]) -> list[str]:
    """Ids of the people a row is about: those in the fields that name people; the entity if no data is kept."""
    ids = set(_people(data)) if data else {entity} if is_id(entity) else set()
    return sorted(ids)[:MAX_PEOPLE]


def _people(data: Mapping[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield from _people(item)
            elif name in PEOPLE and is_id(item):
                yield item


def only_about(row: Mapping[str, Any], person: str) -> dict[str, Any]:
    """A row of the audit log as it goes into the person's export: without the ids of other people."""
    others = {*row["people"], *_people(row["data"]), row["actor_id"]} - {person, None}
    own = {name: None if row[name] in others else row[name] for name in ("entity", "actor_id")}
    return {**row, **own, "people": [person] if person in row["people"] else [], "data": _without(others, row["data"])}


def _without(others: set[str], value: Any) -> Any:
    """Leaves out ids of others from lists, and replaces them by null elsewhere."""
    if isinstance(value, Mapping):
        return {name: _without(others, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(others, item) for item in value if not (isinstance(item, str) and item in others)]
    return None if isinstance(value, str) and value in others else value


def is_id(value: object) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def keep_code(value: object) -> str | None:
    """The value if it is an id, a code or an instant; None for text that could describe a person.

    An IP address is reduced to its network: 24 bits of version 4, 48 bits of version 6.
    """
    if not isinstance(value, str) or not CODE.fullmatch(value):
        return None
    network = _network(value)
    if network:
        return network
    return value if INSTANT.fullmatch(value) or not PHONE.fullmatch(value) else None


def _network(value: str) -> str | None:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    prefix_bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{prefix_bits}", strict=False))


def _keep_object(fields: Fields, data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _keep_value(inner, data[name]) for name, inner in fields.items() if name in data}


def _keep_value(fields: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [_keep_value(fields, item) for item in value[:MAX_ITEMS]]
    if fields is COUNTS and isinstance(value, Mapping):
        return {name: count for name, count in value.items() if keep_code(name) and isinstance(count, int)}
    if isinstance(value, Mapping):
        return _keep_object(fields, value) if isinstance(fields, Mapping) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return keep_code(value)
