"""The log lines of business events: which there are, and what they say."""

import io
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from cli.contracts import generator
from cli.services import SERVICES
from domain.business_log import CODES, MESSAGES, write
from shared.messaging.events import Event, new_id
from shared.observability.log import configure
from shared.tests.support import lines_logged

LOGGED = [event for event in generator.published(SERVICES) if event.type_ in MESSAGES]
KEYS = {"service", "environment", "timestamp", "level", "logger", "message", "request_id", "event_type", "event_id"}
KEYS |= {"actor_id", "actor_role"}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    configure("booking", "INFO")
    with lines_logged() as written:
        yield written


def row(event: type[Event], **data: Any) -> dict[str, Any]:
    body = event.model_validate(event.EXAMPLE | data).model_dump_json()
    ids = {"event_id": new_id(), "actor_id": str(new_id()), "request_id": "request-1"}
    return {"type": event.type_, "data": body, "actor_role": "staff", "traceparent": None, **ids}


def test_every_message_belongs_to_a_published_event() -> None:
    assert {event.type_ for event in LOGGED} == MESSAGES.keys()


@pytest.mark.parametrize("event", LOGGED, ids=lambda event: event.type_)
def test_a_line_has_ids_and_codes_and_nothing_else(event: type[Event], lines: io.StringIO) -> None:
    sent = row(event)
    write("booking", sent)
    line = json.loads(lines.getvalue())
    assert (line["message"], line["event_type"], line["request_id"]) == (
        MESSAGES[event.type_],
        event.type_,
        "request-1",
    )
    assert line["event_id"] == str(sent["event_id"])
    data = orjson.loads(sent["data"])
    rest = line.keys() - KEYS
    assert all(name.endswith("_id") or name in CODES for name in rest)
    subject = {name: value for name, value in data.items() if name == event.subject_field and name in rest}
    assert subject.items() <= line.items()


def test_other_events_are_not_logged(lines: io.StringIO) -> None:
    silent = next(event for event in generator.published(SERVICES) if event.type_ == "session.refreshed.v1")
    write("auth", row(silent))
    assert lines.getvalue() == ""
