"""One OpenAPI document of all services, and a plain page that lists its operations."""

import asyncio
import html
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.client import Upstream, UpstreamError
from gateway.routes import find
from shared.log import logger

SECONDS = 3.0
AT_MOST = 4_194_304
KEPT_SECONDS, INCOMPLETE_KEPT_SECONDS = 300.0, 5.0
METHODS = ("get", "post", "put", "patch", "delete")
REFERENCE = "#/components/schemas/"

Document = dict[str, Any]
log = logger(__name__)


class OpenApi:
    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._merged: Document = {}
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def merged(self) -> Document:
        async with self._lock:
            if time.monotonic() >= self._until:
                await self._refresh()
            return self._merged

    async def _refresh(self) -> None:
        documents = await asyncio.gather(*(_document(upstream) for upstream in self._upstreams.values()))
        found = {name: document for name, document in zip(self._upstreams, documents, strict=True) if document}
        whole = len(found) == len(self._upstreams)
        self._merged = merge(found)
        self._until = time.monotonic() + (KEPT_SECONDS if whole else INCOMPLETE_KEPT_SECONDS)


async def _document(upstream: Upstream) -> Document | None:
    try:
        status, body = await upstream.fetch("/openapi.json", seconds=SECONDS, at_most=AT_MOST)
        document = orjson.loads(body) if status == 200 else None
    except (UpstreamError, orjson.JSONDecodeError) as error:
        log.warning("openapi_not_fetched", error=type(error).__name__)
        return None
    return document if isinstance(document, dict) else None


def merge(documents: Mapping[str, Document]) -> Document:
    """The services' documents as one: only what the gateway routes to them, schemas renamed where they differ."""
    differing = _differing(documents)
    paths: Document = {}
    schemas: Document = {}
    for service, document in documents.items():
        names = {name: f"{service.title()}{name}" for name in _schemas(document) if name in differing}
        for path, item in document.get("paths", {}).items():
            route = find(path)
            if route is not None and route.service == service:
                paths[path] = _renamed(item, names)
        for name, schema in _schemas(document).items():
            schemas[names.get(name, name)] = _renamed(schema, names)
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Loctician", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"bearer": bearer}},
        "security": [{}, {"bearer": []}],
    }


def _schemas(document: Document) -> Document:
    schemas: Document = document.get("components", {}).get("schemas", {})
    return schemas


def _differing(documents: Mapping[str, Document]) -> set[str]:
    """Names that mean different things in different services, or refer to one that does."""
    uses = Counter(name for document in documents.values() for name in _schemas(document))
    shared = {name for name, count in uses.items() if count > 1}
    texts = {
        name: {
            orjson.dumps(_schemas(one)[name], option=orjson.OPT_SORT_KEYS)
            for one in documents.values()
            if name in _schemas(one)
        }
        for name in shared
    }
    differing = {name for name, variants in texts.items() if len(variants) > 1}
    while True:
        marks = [f'"{REFERENCE}{name}"'.encode() for name in differing]
        more = {n for n in shared - differing if any(mark in text for text in texts[n] for mark in marks)}
        if not more:
            return differing
        differing |= more


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    return {key: _reference(value, names) if key == "$ref" else _renamed(value, names) for key, value in node.items()}


def _reference(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, str) or not value.startswith(REFERENCE):
        return value
    name = value.removeprefix(REFERENCE)
    return REFERENCE + names.get(name, name)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Loctician API</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td{{padding:.2rem .8rem .2rem 0;vertical-align:top}}td:first-child{{font-weight:600}}</style></head>
<body><h1>Loctician API</h1><p>The full description is in <a href="/openapi.json">/openapi.json</a>.</p>
<table>{rows}</table></body></html>"""


def page(document: Document) -> bytes:
    """Every operation on one page that needs nothing from elsewhere."""
    rows = "".join(
        f"<tr><td>{method.upper()}</td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(str(item[method].get('summary', '')))}</td></tr>"
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    )
    return PAGE.format(rows=rows).encode()
