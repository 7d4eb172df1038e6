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
    def __init__(self, schemas: Mapping[str, Json]) -> None:
        self._schemas = schemas

    def of(self, schema: Json) -> Any:
        if "examples" in schema:
            return schema["examples"][0]
        if "$ref" in schema:
            return self.of(self._schemas[schema["$ref"].removeprefix(REFERENCE)])
        if "default" in schema and schema["default"] not in (None, [], {}):
            return schema["default"]
        return self._allowed(schema)

    def _allowed(self, schema: Json) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        variants = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if variants:
            return self.of(variants[0])
        match schema.get("type"):
            case "object":
                properties = schema.get("properties", {}).items()
                return {key: self.of(item) for key, item in properties if not item.get("readOnly")}
            case "array":
                return [self.of(schema.get("items", {}))]
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case kind:
                return BY_FORMAT.get(schema.get("format", "")) or BY_TYPE.get(str(kind))
