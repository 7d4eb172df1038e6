"""The messages that gateways send over WebSockets, for the AsyncAPI document."""

from typing import Any

Schema = dict[str, Any]
UUID: Schema = {"type": "string", "format": "uuid"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
TRANSLATED: Schema = {"type": "object", "additionalProperties": TEXT, "description": "By language: da, en"}
STATUS: Schema = {"enum": ["pending", "confirmed", "completed", "no_show", "cancelled"]}
ID = "01936d5e-8d3e-7000-8000-0000000000a1"
START, END = "2026-03-02T09:00:00Z", "2026-03-02T10:30:00Z"


def _data(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


BOOKING = {"booking_id": UUID, "status": STATUS, "start": INSTANT, "end": INSTANT, "loctician_id": UUID}
OFFER = {"waitlist_id": UUID, "offer_id": UUID, "service_ids": {"type": "array", "items": UUID}, "expires_at": INSTANT}
# Type -> what it says, the schema of its data, and an example of it.
USER_MESSAGES: dict[str, tuple[str, Schema, Schema]] = {
    "booking_update": (
        "A booking that the user has a part in was made or changed. A loctician gets the own part of it.",
        _data(BOOKING | {"version": {"type": "integer"}}),
        {"booking_id": ID, "status": "confirmed", "start": START, "end": END, "loctician_id": ID, "version": 1},
    ),
    "notification": (
        "A notice in the user's inbox: a reminder, an offer of the waitlist, something about the account.",
        _data({"kind": TEXT}, {"booking_id": UUID, "hours": {"type": "integer"}, "occurred_at": INSTANT, **OFFER}),
        {"kind": "reminder", "booking_id": ID, "start": START, "hours": 24},
    ),
    "broadcast": (
        "An announcement of the salon.",
        _data({"broadcast_id": UUID, "title": TRANSLATED, "body": TRANSLATED}),
        {"broadcast_id": ID, "title": {"da": "Lukket", "en": "Closed"}, "body": {"da": "I dag", "en": "Today"}},
    ),
}
REASONS = ["feed_interrupted", "inbox_away", "missed_too_much", "needs_token", "not_kept", "unknown_event"]
RESYNC = (
    "Messages were missed that cannot be sent again: reload everything that is shown.",
    _data({"reason": {"enum": REASONS}}),
    {"reason": "feed_interrupted"},
)
LOCTICIAN_MESSAGES: dict[str, tuple[str, Schema, Schema]] = {
    "availability_update": (
        "On this day of the loctician other times are free now: ask for them again.",
        _data({"loctician_id": UUID, "date": {"type": "string", "format": "date"}}),
        {"loctician_id": ID, "date": "2026-03-02"},
    ),
}
MESSAGES = USER_MESSAGES | LOCTICIAN_MESSAGES | {"resync": RESYNC}
CHANNELS = {
    "/ws": ("What concerns the signed-in user", [*USER_MESSAGES, "resync"]),
    "/ws/loctician/{loctician_id}": (
        "Days of a loctician whose free times have changed, for everybody",
        [*LOCTICIAN_MESSAGES, "resync"],
    ),
}
CLOSE_CODES = """Close codes: 1012 the gateway restarts, 1013 the client reads too slowly or the gateway is full, 1008
and 1009 the client sends too much, 4401 no valid token or ticket, or not any more, 4403 wrong path or origin, 4429 too
many connections. Reconnect with `last_event_id`, after a pause that grows."""


def message(type_: str) -> Schema:
    """A message object of AsyncAPI."""
    summary, data, example = MESSAGES[type_]
    envelope = {
        "type": "object",
        "required": ["id", "type", "time", "data"],
        "properties": {"id": UUID, "type": {"const": type_}, "time": INSTANT, "data": data},
    }
    payload = {"id": ID, "type": type_, "time": "2026-02-27T12:00:00Z", "data": example}
    return {
        "name": type_,
        "title": type_,
        "summary": summary,
        "contentType": "application/json",
        "payload": envelope,
        "examples": [{"name": type_, "payload": payload}],
    }


def channels() -> Schema:
    return {path: _channel(path, summary, types) for path, (summary, types) in CHANNELS.items()}


def _channel(path: str, summary: str, types: list[str]) -> Schema:
    query = {
        "type": "object",
        "properties": {
            "ticket": {"type": "string", "description": "From POST /api/v1/auth/ws-ticket: 30 seconds, one use"},
            "token": {"type": "string", "description": "An access token, for clients that are no browsers"},
            "last_event_id": {**UUID, "description": "The id of the last message: those missed since are sent first"},
        },
    }
    channel: Schema = {
        "address": path,
        "title": path,
        "summary": summary,
        "description": CLOSE_CODES,
        "servers": [{"$ref": "#/servers/gateway"}],
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in types},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }
    if "{loctician_id}" in path:
        channel["parameters"] = {"loctician_id": {"description": "The loctician's id"}}
    return channel


def operations() -> Schema:
    names = {"/ws": "gateway.sends.user_messages", "/ws/loctician/{loctician_id}": "gateway.sends.availability"}
    return {names[path]: _operation(path, summary, types) for path, (summary, types) in CHANNELS.items()}


def _operation(path: str, summary: str, types: list[str]) -> Schema:
    channel = f"#/channels/{path.replace('~', '~0').replace('/', '~1')}"
    return {
        "action": "send",
        "title": summary,
        "summary": summary,
        "description": "At most once while connected. A message that is repeated has the same id.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{type_}"} for type_ in types],
    }
