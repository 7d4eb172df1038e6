"""An AsyncAPI 3 document of the bus, from the event classes and the subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from shared.messaging.events import Event, envelope_schema
from shared.messaging.topology import EVENTS, events_queue

VERSION = "3.0.0"
Document = dict[str, Any]


def document(publishers: Mapping[str, Sequence[type[Event]]], routing: Mapping[str, Iterable[str]]) -> Document:
    """`publishers`: the events of each service; `routing`: the types each service's queue takes."""
    events = {event.type_: event for ones in publishers.values() for event in ones}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Loctician events",
            "version": "1",
            "description": f"CloudEvents 1.0 on the topic exchange {EVENTS}; the routing key is the event's type.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {type_: _channel(event) for type_, event in sorted(events.items())},
        "operations": dict(sorted((_sent(publishers) | _received(routing, events)).items())),
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
    place = f"#/components/messages/{event.type_}/payload/properties/data/$defs/{{model}}"
    schema = event.model_json_schema(mode="serialization", ref_template=place)
    return {
        "name": event.type_,
        "contentType": "application/cloudevents+json",
        "payload": envelope_schema(event.type_, schema),
        "examples": [{"name": "data", "payload": {"data": example}}],
    }


def _sent(publishers: Mapping[str, Sequence[type[Event]]]) -> Document:
    return {
        f"{service}.sends.{event.type_}": _operation("send", event.type_, f"{service} publishes it")
        for service, events in publishers.items()
        for event in events
    }


def _received(routing: Mapping[str, Iterable[str]], events: Mapping[str, type[Event]]) -> Document:
    """Only what somebody publishes; "#" takes everything."""
    return {
        f"{service}.receives.{type_}": _operation("receive", type_, f"{service} takes it from {events_queue(service)}")
        for service, wanted in routing.items()
        for type_ in (events if "#" in wanted else wanted)
        if type_ in events
    }


def _operation(action: str, type_: str, summary: str) -> Document:
    channel = f"#/channels/{type_}"
    messages = [{"$ref": f"{channel}/messages/event"}]
    return {"action": action, "channel": {"$ref": channel}, "summary": summary, "messages": messages}


def written(content: Document) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
