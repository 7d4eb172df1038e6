"""The same thing has the same name over REST, in events and on WebSockets, and codes are enumerated everywhere."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from gateway.operations.openapi import merge
from tests.guards.test_layout import SERVICES
from tests.guards.test_openapi import application

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
# The word to use instead, see "Words" in docs/api.md.
SYNONYMS = {
    **dict.fromkeys(("treatment_id", "service_uuid", "product_id"), "service_id"),
    **dict.fromkeys(("treatment_ids", "services_ids"), "service_ids"),
    **dict.fromkeys(
        ("starts", "starts_at", "start_time", "start_at", "begin", "begins", "begins_at", "begin_time"), "start"
    ),
    **dict.fromkeys(("ends", "ends_at", "end_time", "end_at", "finish", "finishes"), "end"),
    **dict.fromkeys(("first_day", "date_from", "from_date", "start_date"), "from"),
    **dict.fromkeys(("at",), "occurred_at"),
    **dict.fromkeys(("until", "locked_until"), "expires_at"),
    **dict.fromkeys(("what",), "resource"),
    **dict.fromkeys(("said_at",), "answered_at"),
    **dict.fromkeys(("last_day", "date_to", "to_date", "end_date"), "to"),
    **dict.fromkeys(("valid_since", "valid_after"), "valid_from"),
    **dict.fromkeys(("valid_until", "valid_before", "covers_until"), "valid_to"),
    **dict.fromkeys(("expiry", "expires", "expiration"), "expires_at"),
    **dict.fromkeys(("created", "creation_time", "created_on"), "created_at"),
    **dict.fromkeys(("since", "failing_since"), "first_failed_at"),
    **dict.fromkeys(("updated", "modified_at", "changed_on"), "updated_at"),
    **dict.fromkeys(("client_id", "guest_id"), "customer_id"),
    **dict.fromkeys(("stylist_id", "employee_id", "performer_id"), "loctician_id"),
    **dict.fromkeys(("state",), "status"),
}
CODES = {"status", "role", "channel", "kind", "reason", "problem", "closed_for", "actor_role", "audience"}
# Codes of others, and text that people write.
FREE = {
    "CancelRequest.reason",
    "SeriesCancelRequest.reason",
    "Booking.cancel_reason",
    "PUT /api/v1/notifications/preferences.kind",  # what was sent
    "PUT /api/v1/notifications/preferences.channel",
}


@cache
def document() -> Json:
    return merge({name: application(name).openapi() for name in SERVICES})


def properties(node: Any, owner: str) -> Iterator[tuple[str, str, Json]]:
    """Owner, name and schema of every property below a node."""
    if isinstance(node, list):
        for item in node:
            yield from properties(item, owner)
    elif isinstance(node, dict):
        fields = node.get("properties")
        if isinstance(fields, dict):
            for name, schema in fields.items():
                yield owner, name, schema
        for key, item in node.items():
            if key not in ("example", "examples", "enum"):
                yield from properties(item, str(item.get("title", owner)) if isinstance(item, dict) else owner)


def rest() -> Iterator[tuple[str, str, Json]]:
    for name, schema in document()["components"]["schemas"].items():
        yield from properties(schema, name)
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            for parameter in operation["parameters"]:
                if parameter["in"] != "header":
                    yield f"{method.upper()} {path}", parameter["name"], parameter["schema"]
            yield from properties(operation["responses"], f"{method.upper()} {path}")


def messages() -> Iterator[tuple[str, str, Json]]:
    for path in sorted((ROOT / "shared/contracts").glob("*.schema.json")):
        yield from properties(json.loads(path.read_text()), path.name)
    yield from properties(json.loads((ROOT / "docs/asyncapi.json").read_text()), "asyncapi.json")


def is_enumerated(schema: Json) -> bool:
    if "$ref" in schema:
        return is_enumerated(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "enum" in schema or "const" in schema or schema.get("readOnly"):
        return True
    variants = [variant for variant in schema.get("anyOf", []) if variant != {"type": "null"}]
    if schema.get("type") == "array":
        return is_enumerated(schema["items"])
    return bool(variants) and all(is_enumerated(variant) for variant in variants)


def test_nothing_has_two_names() -> None:
    wrong = {f"{owner}: {name}, say {SYNONYMS[name]}" for owner, name, _ in (*rest(), *messages()) if name in SYNONYMS}
    assert wrong == set(), "docs/api.md has the words"


def test_every_code_is_enumerated() -> None:
    wrong = {
        f"{owner}.{name}"
        for owner, name, schema in rest()
        if name in CODES and schema.get("type") not in ("integer", "object") and not is_enumerated(schema)
    }
    assert wrong - FREE == set(), "name the values: Literal[...], or json_schema_extra={'enum': [...]}"
