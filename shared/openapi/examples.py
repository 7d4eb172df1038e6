"""Makes examples from JSON Schemas: the schema's own example if it has one, else a value that the schema allows."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
REFERENCE = "#/components/schemas/"
BY_FORMAT = {
    "uuid": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2a77",
    "date-time": "2026-09-14T10:00:00+02:00",
    "date": "2026-09-14",
    "time": "10:00",
    "uri": "https://example.com/",
}
BY_TYPE = {"boolean": False, "null": None, "string": "text"}


class Examples:
    def __init__(self, schemas: Mapping[str, Json], by_name: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._by_name = by_name

    def of(self, schema: Json, name: str = "") -> Any:
        """`name` is that of the field or parameter."""
        if "examples" in schema:
            return schema["examples"][0]
        reference = schema.get("$ref", "").removeprefix(REFERENCE)
        for known in (reference, name):
            example = self._by_name.get(known)
            if known in self._by_name and example in schema.get("enum", [example]):
                return [example] if schema.get("type") == "array" and not isinstance(example, list) else example
        if reference:
            return self.of(self._schemas[reference])
        if "default" in schema and schema["default"] not in (None, [], {}):
            return schema["default"]
        return self._allowed(schema, name)

    def _allowed(self, schema: Json, name: str) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        variants = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if variants:
            return self.of(variants[0], name)
        match schema.get("type"):
            case "object":
                return {key: self.of(property_, key) for key, property_ in schema.get("properties", {}).items()}
            case "array":
                return [self.of(schema.get("items", {}), name)]
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case kind:
                return BY_FORMAT.get(schema.get("format", "")) or BY_TYPE.get(str(kind))
