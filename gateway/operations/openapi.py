"""One OpenAPI document of all services, with what the gateway itself answers."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from gateway.errors import (
    AddressTooLong,
    BadPath,
    BadRequest,
    CannotCount,
    HeadersTooLarge,
    RateLimited,
    SlowBody,
    Starting,
    UpstreamBroken,
    UpstreamSlow,
    UpstreamUnavailable,
)
from gateway.limits.rules import STRICT, UNLIMITED
from gateway.proxy.routes import find
from gateway.upstream.client import Upstream, UpstreamError
from shared.errors import MEDIA_TYPE, ProblemError, TooLarge
from shared.observability.log import logger
from shared.openapi.components import components as shared_components
from shared.openapi.components import error_response, problem_example
from shared.openapi.operations import headers

SECONDS = 15.0  # a service makes it when it is first asked
AT_MOST = 4_194_304
KEPT_SECONDS, INCOMPLETE_KEPT_SECONDS = 300.0, 5.0
REFERENCE = "#/components/"

METHODS = ("get", "put", "post", "delete", "patch")
EVERY_CALL: list[type[ProblemError]] = [
    BadPath,
    BadRequest,
    AddressTooLong,
    HeadersTooLarge,
    Starting,
    UpstreamUnavailable,
    UpstreamBroken,
    UpstreamSlow,
]
WITH_BODY: list[type[ProblemError]] = [SlowBody, TooLarge]
OWN: list[type[ProblemError]] = [*EVERY_CALL, *WITH_BODY, RateLimited, CannotCount]
ABOUT = """Appointments with Danish locticians.

JSON in UTF-8. Errors are problem details (RFC 9457) with a stable `code`, in Danish, or in English where
`Accept-Language` asks for it. Instants are ISO 8601 with an offset and are answered in Europe/Copenhagen; amounts are
integer øre, VAT included. Lists come in pages: `limit`, `cursor`, `next_cursor`. A creating POST takes an
`Idempotency-Key`: the same key and body is answered as the first time, for 24 hours. What has a `version` carries it in
`ETag`; send it in `If-Match` to change only what nobody else has changed meanwhile.

Changes are told as they happen over a WebSocket at `/ws`, which opens with a ticket of `create_ws_ticket`."""

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
    """The services' documents as one: only what the gateway routes to them, components renamed where they differ."""
    differing = _differing(documents)
    paths: Document = {}
    components: Document = {}
    for service, document in documents.items():
        names = {name: _renamed_component(service, name) for name in _components(document) if name in differing}
        for path, item in document.get("paths", {}).items():
            route = find(path)
            if route is not None and route.service == service:
                paths[path] = _renamed(item, names)
        for name, one in _components(document).items():
            components[names.get(name, name)] = _renamed(one, names)
    components |= _components({"components": shared_components()})
    components |= {f"examples/{error.code}": {"value": problem_example(error)} for error in OWN}
    for path, item in paths.items():
        for method in METHODS & item.keys():
            components |= _add_own(item[method], method, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Loctician", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [tag for document in documents.values() for tag in document.get("tags", [])],
        "paths": dict(sorted(paths.items())),
        "components": _by_kind(components),
    }


def _add_own(operation: Document, method: str, path: str) -> Document:
    """What the gateway answers in the service's stead, and what it adds to every answer; the components it needs."""
    answers = operation.setdefault("responses", {})
    limited = headers("RateLimit", "RateLimit-Policy") if path not in UNLIMITED else {}
    for answer in answers.values():
        answer.setdefault("headers", {}).update(limited)
    needed = {}
    errors = _own(operation, method, path)
    for status in sorted({error.status_code for error in errors}):
        own = error_response([error for error in errors if error.status_code == status])
        own["headers"] |= limited
        if str(status) in answers:
            answers[str(status)] = _both(answers[str(status)], own)
        else:
            name = f"responses/{HTTPStatus(status).name.title().replace('_', '')}{'' if limited else 'Unlimited'}"
            answers[str(status)] = {"$ref": f"{REFERENCE}{name}"}
            needed[name] = own
    return needed


def _own(operation: Document, method: str, path: str) -> list[type[ProblemError]]:
    errors = EVERY_CALL + (WITH_BODY if "requestBody" in operation else [])
    if path not in UNLIMITED:
        errors = [*errors, RateLimited]
    if method == "post" and path in STRICT:
        errors = [*errors, CannotCount]
    return errors


def _both(theirs: Document, own: Document) -> Document:
    codes: Document = {}
    shown: Document = {}
    for answer in (theirs, own):
        content = answer["content"][MEDIA_TYPE]
        codes |= dict.fromkeys(content["schema"]["allOf"][1]["properties"]["code"]["enum"])
        shown |= content["examples"]
    schema = {**own["content"][MEDIA_TYPE]["schema"]}
    schema["allOf"] = [schema["allOf"][0], {"type": "object", "properties": {"code": {"enum": sorted(codes)}}}]
    return {
        "description": f"{theirs['description']}, {own['description']}",
        "headers": {**theirs.get("headers", {}), **own["headers"]},
        "content": {MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }


def _components(document: Document) -> Document:
    """By kind and name, as references have them."""
    kinds: Document = document.get("components", {})
    return {f"{kind}/{name}": one for kind, ones in kinds.items() for name, one in ones.items()}


def _by_kind(components: Document) -> Document:
    kinds: Document = {}
    for path, one in sorted(components.items()):
        kind, _, name = path.partition("/")
        kinds.setdefault(kind, {})[name] = one
    return kinds


def _renamed_component(service: str, path: str) -> str:
    kind, _, name = path.partition("/")
    return f"{kind}/{service.title()}{name}"


def _differing(documents: Mapping[str, Document]) -> set[str]:
    """Components that mean different things in different services, or refer to one that does."""
    found = {service: _components(document) for service, document in documents.items()}
    uses = Counter(name for components in found.values() for name in components)
    shared = {name for name, count in uses.items() if count > 1}
    texts = {
        name: {orjson.dumps(one[name], option=orjson.OPT_SORT_KEYS) for one in found.values() if name in one}
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
