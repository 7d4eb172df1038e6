"""Writes an AsyncAPI 3 document of the message bus from the event classes and the subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from shared.messaging.events import Event, schema_name
from shared.messaging.topology import EVENTS, events_queue

VERSION = "3.0.0"
Document = dict[str, Any]


def document(publishers: Mapping[str, Sequence[type[Event]]], routing: Mapping[str, Iterable[str]]) -> Document:
    """`publishers`: the events of each service; `routing`: the event types that each service's queue receives."""
    events = {event.type_: event for published in publishers.values() for event in published}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Loctician events",
            "version": "1",
            "description": f"CloudEvents 1.0 on the topic exchange {EVENTS}; the routing key is the event's type.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {type_: _channel(event) for type_, event in sorted(events.items())},
        "operations": dict(sorted((_sends(publishers) | _receives(routing, events)).items())),
        "components": {"messages": {type_: _message(event) for type_, event in sorted(events.items())}},
    }


def _channel(event: type[Event]) -> Document:
    return {
        "address": event.type_,
        "messages": {"event": {"$ref": f"#/components/messages/{event.type_}"}},
        "bindings": {
            "amqp": {"is": "routingKey", "exchange": {"name": EVENTS, "type": "topic", "durable": True, "vhost": "/"}}
        },
    }


def _message(event: type[Event]) -> Document:
    example = event.model_validate(event.EXAMPLE).model_dump(mode="json")
    template = f"#/components/messages/{event.type_}/payload/properties/data/$defs/{{model}}"
    schema = event.model_json_schema(mode="serialization", ref_template=template)
    return {
        "name": event.type_,
        "contentType": "application/cloudevents+json",
        "payload": _envelope_schema(event.type_, schema),
        "examples": [{"name": "data", "payload": {"data": example}}],
    }


def _envelope_schema(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of the envelope of events of this type."""
    texts = ("source", "subject", "traceparent", "actorid", "actorrole", "requestid")
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "version", "data"],
        "properties": {
            **{name: {"type": "string"} for name in texts},
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "type": {"const": type_},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": schema_name(type_)},
            "version": {"type": "integer", "description": "Version of the entity after this event"},
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


def _operation(action: str, type_: str, summary: str) -> Document:
    channel = f"#/channels/{type_}"
    messages = [{"$ref": f"{channel}/messages/event"}]
    return {"action": action, "channel": {"$ref": channel}, "summary": summary, "messages": messages}


def serialize(content: Document) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
