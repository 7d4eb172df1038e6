"""The files of an export: a JSON document with its schema, or a ZIP with a page for people to read beside them."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.gdpr.exports.page import render_page

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TYPE_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}


def document(request_id: UUID, subject_id: UUID, gathered: datetime, parts: Mapping[str, bytes]) -> dict[str, Any]:
    """`parts`: service -> what it holds, as JSON."""
    return {
        "request_id": str(request_id),
        "subject_id": str(subject_id),
        "gathered_at": gathered.isoformat(),
        "services": {service: orjson.loads(part) for service, part in parts.items()},
    }


def to_json(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"schema": schema(content), "data": content}, option=INDENTED)


def to_zip(
    content: Mapping[str, Any], gathered: datetime, activities: list[dict[str, Any]], controller: str, language: str
) -> bytes:
    files = {
        "data.json": orjson.dumps(content, option=INDENTED),
        "schema.json": orjson.dumps(schema(content), option=INDENTED),
        "index.html": render_page(content["services"], gathered, activities, controller, language).encode(),
    }
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for name, data in files.items():
            zip_file.writestr(name, data)
    return output.getvalue()


def schema(content: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of exactly this document: every table with its columns and their types."""
    return {"$schema": SCHEMA, "title": "Export of personal data", **_schema_of([content])}


def _schema_of(values: Iterable[Any]) -> dict[str, Any]:
    """A schema that all of the values fit."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, group in _by_type(values).items():
        if name == "object":
            keys = list(dict.fromkeys(key for value in group for key in value))
            properties = {key: _schema_of(value[key] for value in group if key in value) for key in keys}
            required = [key for key in keys if all(key in value for value in group)]
            schemas[name] = {"properties": properties, "required": required}
        elif name == "array":
            items = [item for value in group for item in value]
            schemas[name] = {"items": _schema_of(items)} if items else {}
        else:
            schemas[name] = _format_of(group) if name == "string" else {}
    if len(schemas) == 1:
        ((name, only),) = schemas.items()
        return {"type": name, **only}
    return {"anyOf": [{"type": name, **other} for name, other in schemas.items()]} if schemas else {}


def _by_type(values: Iterable[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for value in values:
        groups.setdefault(TYPE_NAMES.get(type(value), "null"), []).append(value)
    return groups


def _format_of(texts: list[str]) -> dict[str, str]:
    if all(INSTANT.fullmatch(text) for text in texts):
        return {"format": "date-time"}
    return {"format": "uuid"} if all(UUID_TEXT.fullmatch(text) for text in texts) else {}
