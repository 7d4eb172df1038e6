"""An export as it is handed over: one JSON document with its schema, or a ZIP with a page to read beside them."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.gdpr.exports import page as export_page

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def document(request_id: UUID, subject_id: UUID, gathered: datetime, parts: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "request_id": str(request_id),
        "subject_id": str(subject_id),
        "gathered_at": gathered.isoformat(),
        "services": {name: orjson.loads(part) for name, part in parts.items()},
    }


def as_json(bundle: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"schema": schema(bundle), "data": bundle}, option=INDENTED)


def as_zip(
    bundle: Mapping[str, Any], gathered: datetime, activities: list[dict[str, Any]], controller: str, language: str
) -> bytes:
    files = {
        "data.json": orjson.dumps(bundle, option=INDENTED),
        "schema.json": orjson.dumps(schema(bundle), option=INDENTED),
        "index.html": export_page.page(bundle["services"], gathered, activities, controller, language).encode(),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def schema(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of exactly this document: every table with its columns and their types."""
    return {"$schema": SCHEMA, "title": "Export of personal data", **_described([bundle])}


def _described(values: Iterable[Any]) -> dict[str, Any]:
    """What all of these values have in common."""
    shapes: dict[str, dict[str, Any]] = {}
    for name, group in _by_type(values).items():
        if name == "object":
            keys = list(dict.fromkeys(key for one in group for key in one))
            properties = {key: _described(one[key] for one in group if key in one) for key in keys}
            required = [key for key in keys if all(key in one for one in group)]
            shapes[name] = {"properties": properties, "required": required}
        elif name == "array":
            inner = [item for one in group for item in one]
            shapes[name] = {"items": _described(inner)} if inner else {}
        else:
            shapes[name] = _format(group) if name == "string" else {}
    if len(shapes) == 1:
        ((name, shape),) = shapes.items()
        return {"type": name, **shape}
    return {"anyOf": [{"type": name, **shape} for name, shape in shapes.items()]} if shapes else {}


def _by_type(values: Iterable[Any]) -> dict[str, list[Any]]:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(names.get(type(value), "null"), []).append(value)
    return found


def _format(texts: list[str]) -> dict[str, str]:
    if all(INSTANT.fullmatch(text) for text in texts):
        return {"format": "date-time"}
    return {"format": "uuid"} if all(IDENTITY.fullmatch(text) for text in texts) else {}
