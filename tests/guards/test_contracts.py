"""The committed contracts are what the code generates, and what consumers read is in what publishers send."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from pydantic import ValidationError

from cli.contracts import generator, websocket
from cli.contracts.files import breaking, stale
from cli.contracts.generator import bus_description
from cli.main import ASYNCAPI
from services.notifications.notification_types import NOTIFICATION_TYPES
from shared.http.app import subscriptions_of
from shared.messaging.events import Event
from shared.messaging.topology import CONTRACTS
from tests.guards.test_layout import SERVICES

GATEWAY = [Path(__file__).parents[2] / "gateway" / "realtime" / name for name in ("feed.py", "resume.py")]
CLOSED_CODES = {
    "status",
    "reason",
    "role",
    "kind",
    "channel",
    "closed_for",
    "audience",
    "language",
    "currency",
    "purpose",
}


def _with_more(value: Any) -> Any:
    """The same with one more field in every object but those whose fields are keys: languages, tables."""
    if isinstance(value, list):
        return [_with_more(item) for item in value]
    if not isinstance(value, dict):
        return value
    more = {name: item if name in ("translations", "rows") else _with_more(item) for name, item in value.items()}
    return more | {"a_new_field": 1}


def _is_enumeration(field: dict[str, Any], schema: dict[str, Any]) -> bool:
    if "$ref" in field:
        return _is_enumeration(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    options = [option for option in field.get("anyOf", [field]) if option != {"type": "null"}]
    return all("enum" in option or "const" in option or "$ref" in option for option in options)


def published() -> list[type[Event]]:
    return generator.published(SERVICES)


class TestContracts:
    def test_committed_files_are_what_the_code_generates(self) -> None:
        assert stale(generator.contracts(SERVICES)) == [], "run: loctician contracts generate"

    @pytest.mark.parametrize("event", published(), ids=lambda event: event.type_)
    def test_type_is_named_and_versioned(self, event: type[Event]) -> None:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+\.v\d+", event.type_)

    @pytest.mark.parametrize("event", published(), ids=lambda event: event.type_)
    def test_example_fits_its_schema(self, event: type[Event]) -> None:
        schema = orjson.loads((CONTRACTS / f"{event.type_}.schema.json").read_bytes())
        example = orjson.loads((CONTRACTS / f"{event.type_}.example.json").read_bytes())
        Draft202012Validator(schema).validate(example)

    @pytest.mark.parametrize("event", published(), ids=lambda event: event.type_)
    def test_a_strict_subscriber_takes_an_event_with_a_new_optional_field(self, event: type[Event]) -> None:
        schema = orjson.loads((CONTRACTS / f"{event.type_}.schema.json").read_bytes())
        example = orjson.loads((CONTRACTS / f"{event.type_}.example.json").read_bytes())
        Draft202012Validator(schema).validate(_with_more(example))
        with pytest.raises(ValidationError):
            event.model_validate(example | {"new": 1})  # the publisher itself is strict

    @pytest.mark.parametrize("event", published(), ids=lambda event: event.type_)
    def test_closed_codes_are_enumerations(self, event: type[Event]) -> None:
        schema = orjson.loads((CONTRACTS / f"{event.type_}.schema.json").read_bytes())
        codes = {name: field for name, field in schema["properties"].items() if name in CLOSED_CODES}
        assert [name for name, field in codes.items() if not _is_enumeration(field, schema)] == []

    @pytest.mark.parametrize("service", SERVICES)
    def test_consumer_reads_the_published_examples(self, service: str) -> None:
        examples = {event.type_: event.EXAMPLE for event in published()}
        families = {type_.partition(".")[0] for type_ in examples}
        for type_, model in subscriptions_of(generator.service(service)).payloads:
            if type_ in examples:
                model.validate_python(examples[type_])
            elif type_ != "#":
                assert type_.partition(".")[0] in families, f"{service} waits for {type_}, whose entity nobody knows"


class TestBusDescription:
    def test_the_committed_document_is_what_the_code_generates(self) -> None:
        assert ASYNCAPI.read_bytes() == bus_description(SERVICES), "run: loctician contracts generate"

    def test_every_event_has_a_channel_a_sender_and_whoever_takes_it(self) -> None:
        described = orjson.loads(ASYNCAPI.read_bytes())
        types = {event.type_ for event in published()}
        assert set(described["channels"]) == types | set(websocket.CHANNELS)
        sent = [operation for operation in described["operations"].values() if operation["action"] == "send"]
        channels = {operation["channel"]["$ref"].removeprefix("#/channels/").replace("~1", "/") for operation in sent}
        assert channels == types | set(websocket.CHANNELS)
        assert {f"gdpr.receives.{type_}" for type_ in types} <= set(described["operations"])

    def test_everything_says_what_it_is_and_every_message_has_a_valid_example(self) -> None:
        described = orjson.loads(ASYNCAPI.read_bytes())
        parts = [*described["channels"].values(), *described["operations"].values()]
        assert all(part["title"] and part["summary"] and part["description"] for part in parts)
        for name, message in described["components"]["messages"].items():
            assert message["summary"], name
            validator = Draft7Validator({**message["payload"], "components": described["components"]})
            for example in message["examples"]:
                assert [error.message for error in validator.iter_errors(example["payload"])] == [], name
        for channel in described["channels"].values():
            assert {server["$ref"].rpartition("/")[2] for server in channel["servers"]} <= described["servers"].keys()
        schemes = described["components"]["securitySchemes"]
        for server in described["servers"].values():
            assert {scheme["$ref"].rpartition("/")[2] for scheme in server["security"]} <= schemes.keys()
        for word in ("At least once", "Order", "same `id`", "republished", "14 days"):
            assert word in described["info"]["description"]

    def test_the_websocket_messages_are_those_that_are_sent(self) -> None:
        kinds = {notification_type.type for notification_type in NOTIFICATION_TYPES.values()}
        assert set(websocket.USER_MESSAGES) == kinds
        sent = re.findall(r'ResyncError\("(\w+)"\)|resync\("(\w+)"\)', "".join(map(Path.read_text, GATEWAY)))
        assert set(websocket.REASONS) == {reason for pair in sent for reason in pair if reason}

    @pytest.mark.slow
    @pytest.mark.skipif(shutil.which("npm") is None, reason="the specification's JSON Schema comes from npm")
    def test_it_is_valid_asyncapi_3(self, tmp_path: Path) -> None:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "@asyncapi/specs@6"]
        subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=180)
        specification = tmp_path / "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
        validator = Draft7Validator(orjson.loads(specification.read_bytes()))
        described = orjson.loads(ASYNCAPI.read_bytes())
        assert [error.message[:200] for error in validator.iter_errors(described)] == []
        broken = described | {"operations": {"x": {"action": "shout"}}}
        assert list(validator.iter_errors(broken)) != []


class TestCompatibility:
    OLD: ClassVar[dict[str, Any]] = {
        "properties": {"id": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["id", "n"],
    }

    def test_a_new_optional_field_breaks_nobody(self) -> None:
        new = {"properties": {**self.OLD["properties"], "x": {"type": "string"}}, "required": ["id", "n"]}
        assert breaking(self.OLD, new) == []

    def test_a_field_gone_or_of_another_type_or_optional_now_is_found(self) -> None:
        new = {"properties": {"n": {"type": "string"}}, "required": []}
        assert breaking(self.OLD, new) == ["id is gone", "n has another type"]
        loosened = {**self.OLD, "required": ["id"]}
        assert breaking(self.OLD, loosened) == ["n may be missing now"]
