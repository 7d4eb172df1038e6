"""Writes an AsyncAPI 3 document of the message bus and the WebSockets from the event classes and the subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from cli.contracts import websocket
from cli.contracts.schemas import data_schema, description
from domain.business_log import MESSAGES
from shared.messaging.events import Event, envelope, schema_name
from shared.messaging.topology import EVENTS, events_queue

VERSION = "3.0.0"
CONTENT_TYPE = "application/cloudevents+json"
Document = dict[str, Any]
DESCRIPTION = f"""Events are CloudEvents 1.0 in structured JSON on the topic exchange `{EVENTS}`; the routing key is
the event's type. docs/events.md takes a new subscriber from nothing to a running program.

- **At least once.** An event is published after the transaction that caused it was committed, and again if the
  broker's confirm was lost. A duplicate has the same `id`: keep the ids that you handled, or compare versions.
- **Order.** Events of one service are published in the order of their commits. Retries and several consumers can
  change it. `version` is that of the entity in `subject` after the event: an event with a version that you know is old.
- **Republished.** With `republished: true` an event is no news: it carries the current state, for subscribers that
  start or have lost something. Take its data if its version is not older than yours, and notify nobody of it.
- **Retention.** A queue keeps events until they are acknowledged; a subscriber's at most 14 days and 100,000 of them.
  The exchange keeps nothing: what was published before comes as a snapshot (`loctician republish --to`).
- **Compatibility.** A type gets optional fields and enumerations get values; anything else is a new type (`.v2`).
  Ignore what you do not know.
- **Personal data** is in `user.*` events only. Others carry ids.
"""
OPERATION = {"amqp": {"deliveryMode": 2, "mandatory": True, "ack": True, "bindingVersion": "0.3.0"}}


def document(publishers: Mapping[str, Sequence[type[Event]]], routing: Mapping[str, Iterable[str]]) -> Document:
    """`publishers`: the events of each service; `routing`: the event types that each service's queue receives."""
    events = {event.type_: event for published in publishers.values() for event in published}
    sources = {event.type_: service for service, published in publishers.items() for event in published}
    channels = {type_: _channel(event) for type_, event in sorted(events.items())}
    operations = _sends(publishers) | _receives(routing, events)
    messages = {type_: _message(event, sources[type_]) for type_, event in sorted(events.items())}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Loctician events",
            "version": "1",
            "description": DESCRIPTION,
        },
        "servers": _servers(),
        "defaultContentType": CONTENT_TYPE,
        "channels": channels | websocket.channels(),
        "operations": dict(sorted((operations | websocket.operations()).items())),
        "components": {
            "messages": messages | {type_: websocket.message(type_) for type_ in sorted(websocket.MESSAGES)},
            "securitySchemes": _security_schemes(),
        },
    }


def _servers() -> Document:
    login = [{"$ref": "#/components/securitySchemes/login"}]
    vhost = {"default": "", "description": "The name of the vhost, escaped; empty for the vhost /"}
    host = {"default": "rabbitmq", "description": "The broker's address"}
    return {
        "broker": {
            "host": "{host}:5672",
            "pathname": "/{vhost}",
            "protocol": "amqp",
            "protocolVersion": "0.9.1",
            "title": "RabbitMQ",
            "summary": "The broker within the platform's own network",
            "variables": {"host": host, "vhost": vhost},
            "security": login,
        },
        "broker-tls": {
            "host": "{host}:5671",
            "pathname": "/{vhost}",
            "protocol": "amqps",
            "protocolVersion": "0.9.1",
            "title": "RabbitMQ with TLS",
            "summary": "The broker from other networks: only with TLS, where the operator has opened it",
            "variables": {"host": host, "vhost": vhost},
            "security": login,
        },
        "gateway": {
            "host": "{host}",
            "protocol": "wss",
            "title": "Gateway",
            "summary": "WebSockets for signed-in users and for pages of free times",
            "variables": {"host": {"default": "loctician.example", "description": "The host of PUBLIC_URL"}},
            "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("ticket", "token")],
        },
    }


def _security_schemes() -> Document:
    return {
        "login": {"type": "plain", "description": "SASL PLAIN with the login of `loctician subscribers add`"},
        "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket", "description": "30 seconds, one use"},
        "token": {"type": "httpApiKey", "in": "query", "name": "token", "description": "An access token"},
    }


def summary(type_: str) -> str:
    """The event in a few words."""
    words = type_.rpartition(".")[0].replace(".", " ").replace("_", " ")
    return MESSAGES.get(type_, words.capitalize())


def _channel(event: type[Event]) -> Document:
    exchange = {"name": EVENTS, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {
        "address": event.type_,
        "title": event.type_,
        "summary": summary(event.type_),
        "description": f"Routing key of {event.type_} on {EVENTS}. Subject: {event.subject_field}.",
        "servers": [{"$ref": "#/servers/broker"}, {"$ref": "#/servers/broker-tls"}],
        "messages": {"event": {"$ref": f"#/components/messages/{event.type_}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _message(event: type[Event], service: str) -> Document:
    template = f"#/components/messages/{event.type_}/payload/properties/data/$defs/{{model}}"
    return {
        "name": event.type_,
        "title": summary(event.type_),
        "summary": summary(event.type_),
        "description": description(event) or summary(event.type_),
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.payload#/requestid", "description": "The request that caused it"},
        "payload": _envelope_schema(event.type_, data_schema(event, template)),
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": event.type_, "bindingVersion": "0.3.0"}},
        "examples": [{"name": event.type_, "payload": example(event, service)}],
    }


def example(event: type[Event], service: str) -> Document:
    """A whole event."""
    data = event.model_validate(event.EXAMPLE)
    row = {
        "event_id": UUID("01936d5e-8d3e-7000-8000-00000000e001"),
        "type": event.type_,
        "subject": data.subject,
        "version": data.version,
        "occurred_at": datetime(2026, 2, 27, 12, tzinfo=UTC),
        "traceparent": None,
        "actor_id": "01936d5e-8d3e-7000-8000-0000000000e1",
        "actor_role": "customer",
        "request_id": "01936d5e-8d3e-7000-8000-00000000e002",
        "data": data.model_dump(mode="json"),
    }
    return envelope(f"/services/{service}", row)


def _envelope_schema(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of the envelope of events of this type."""
    texts = ("source", "subject", "traceparent", "actorid", "actorrole", "requestid", "signature")
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "version", "data"],
        "properties": {
            **{name: {"type": "string"} for name in texts},
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid", "description": "The same in every duplicate"},
            "type": {"const": type_},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": schema_name(type_)},
            "version": {"type": "integer", "description": "Version of the entity after this event"},
            "republished": {
                "type": "boolean",
                "description": "True for a current state that is no news: notify nobody of it",
            },
            "data": data,
        },
    }


def _sends(publishers: Mapping[str, Sequence[type[Event]]]) -> Document:
    return {
        f"{service}.sends.{event.type_}": _operation("send", event.type_, f"{service} publishes it")
        for service, events in publishers.items()
        for event in events
    }


def _receives(routing: Mapping[str, Iterable[str]], events: Mapping[str, type[Event]]) -> Document:
    """Only the events that some service publishes; "#" receives all of them."""
    return {
        f"{service}.receives.{type_}": _operation("receive", type_, f"{service} takes it from {events_queue(service)}")
        for service, subscribed in routing.items()
        for type_ in (events if "#" in subscribed else subscribed)
        if type_ in events
    }


def _operation(action: str, type_: str, text: str) -> Document:
    channel = f"#/channels/{type_}"
    return {
        "action": action,
        "title": summary(type_),
        "summary": text,
        "description": "At least once, persistent, with publisher confirms and acknowledgements.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/event"}],
        "bindings": OPERATION,
    }


def serialize(content: Document) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
