"""One OpenAPI document for all services, with the errors that the gateway itself answers."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from gateway.errors import (
    AddressTooLong,
    BadGateway,
    BadHost,
    BadPath,
    BadRequest,
    CannotCount,
    GatewayTimeout,
    HeadersTooLarge,
    RateLimited,
    ServiceUnavailable,
    SlowBody,
    Starting,
    TooManyAtOnce,
)
from gateway.limits.rules import STRICT, UNLIMITED
from gateway.proxy.routes import find
from gateway.upstream.client import Upstream
from gateway.upstream.errors import UpstreamError
from shared.errors import MEDIA_TYPE, ProblemError, TooLarge
from shared.observability.log import logger
from shared.openapi.components import components as shared_components
from shared.openapi.components import error_response, problem_example
from shared.openapi.examples import Examples
from shared.openapi.operations import headers

FETCH_SECONDS = 15.0  # a service generates its document at the first request
MAX_DOCUMENT_BYTES = 4_194_304
KEPT_SECONDS, INCOMPLETE_KEPT_SECONDS = 300.0, 5.0  # the latter while the document of a service is missing
REFERENCE = "#/components/"

METHODS = ("get", "put", "post", "delete", "patch")
EVERY_CALL: list[type[ProblemError]] = [
    BadHost,
    BadPath,
    BadRequest,
    AddressTooLong,
    HeadersTooLarge,
    Starting,
    ServiceUnavailable,
    BadGateway,
    GatewayTimeout,
    TooManyAtOnce,
]
WITH_BODY: list[type[ProblemError]] = [SlowBody, TooLarge]
GATEWAY_ERRORS: list[type[ProblemError]] = [*EVERY_CALL, *WITH_BODY, RateLimited, CannotCount]
ABOUT = """Appointments with Danish locticians.

Bodies are JSON in UTF-8. Errors are problem details (RFC 9457) with a stable `code`; texts are in Danish, or in English
if `Accept-Language` asks for it. Times are ISO 8601 with an offset, and are answered in Europe/Copenhagen; a time
without one is Copenhagen's. Unknown query parameters are refused. `me` stands for the caller's id. HEAD works wherever
GET does. What GET shows can be sent back with PUT. Amounts are integer øre and include VAT. Lists are paged: `limit`,
`cursor`, `next_cursor`. A POST that creates something takes an `Idempotency-Key`: for 24 hours the same key and body
get the same answer as the first time. A resource with a `version` sends it in `ETag`; send it back in `If-Match`, so
that you change only what nobody else has changed.

A WebSocket at `/ws` sends changes as they happen. It opens with a ticket from `create_ws_ticket`."""

Document = dict[str, Any]
log = logger(__name__)


class OpenApi:
    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._merged: Document = {}
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def merged(self) -> Document:
        """The merged document, at most KEPT_SECONDS old."""
        async with self._lock:
            if time.monotonic() >= self._until:
                await self._refresh()
            return self._merged

    async def _refresh(self) -> None:
        documents = await asyncio.gather(*(_fetch(upstream) for upstream in self._upstreams.values()))
        fetched = {name: document for name, document in zip(self._upstreams, documents, strict=True) if document}
        complete = len(fetched) == len(self._upstreams)
        self._merged = merge(fetched)
        self._until = time.monotonic() + (KEPT_SECONDS if complete else INCOMPLETE_KEPT_SECONDS)


async def _fetch(upstream: Upstream) -> Document | None:
    try:
        status, body = await upstream.fetch("/openapi.json", seconds=FETCH_SECONDS, at_most=MAX_DOCUMENT_BYTES)
        document = orjson.loads(body) if status == 200 else None
    except (UpstreamError, orjson.JSONDecodeError) as error:
        log.warning("openapi_not_fetched", error=type(error).__name__)
        return None
    return document if isinstance(document, dict) else None


def merge(documents: Mapping[str, Document]) -> Document:
    """The services' documents as one: only paths that the gateway routes, with components renamed where they differ."""
    differing = _differing(documents)
    paths: Document = {}
    components: Document = {}
    for service, document in documents.items():
        names = {name: _component_name(service, name) for name in _components(document) if name in differing}
        for path, item in document.get("paths", {}).items():
            route = find(path)
            if route is not None and route.service == service:
                paths[path] = _rename(item, names)
        for name, component in _components(document).items():
            components[names.get(name, name)] = _rename(component, names)
    components |= _components({"components": shared_components()})
    components |= {
        f"examples/{error.code}": {"value": problem_example(error, Examples({}))} for error in GATEWAY_ERRORS
    }
    for path, item in paths.items():
        for method in METHODS & item.keys():
            components |= _add_gateway_errors(item[method], method, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Loctician", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [tag for document in documents.values() for tag in document.get("tags", [])],
        "paths": dict(sorted(paths.items())),
        "components": _by_kind(components),
    }


def _add_gateway_errors(operation: Document, method: str, path: str) -> Document:
    """Adds to an operation the errors of the gateway, and the headers it adds to every answer.

    Returns the components that these refer to.
    """
    answers = operation.setdefault("responses", {})
    limited = headers("RateLimit", "RateLimit-Policy") if path not in UNLIMITED else {}
    for answer in answers.values():
        answer.setdefault("headers", {}).update(limited)
    needed = {}
    errors = _errors_of(operation, method, path)
    for status in sorted({error.status_code for error in errors}):
        own = error_response([error for error in errors if error.status_code == status])
        own["headers"] |= limited
        if str(status) in answers:
            answers[str(status)] = _join(answers[str(status)], own)
        else:
            name = f"responses/{HTTPStatus(status).name.title().replace('_', '')}{'' if limited else 'Unlimited'}"
            answers[str(status)] = {"$ref": f"{REFERENCE}{name}"}
            needed[name] = own
    return needed


def _errors_of(operation: Document, method: str, path: str) -> list[type[ProblemError]]:
    errors = EVERY_CALL + (WITH_BODY if "requestBody" in operation else [])
    if path not in UNLIMITED:
        errors = [*errors, RateLimited]
    if method == "post" and path in STRICT:
        errors = [*errors, CannotCount]
    return errors


def _join(theirs: Document, own: Document) -> Document:
    """One answer for the errors of the service and of the gateway with the same status."""
    members: Document = {}
    codes: Document = {}
    examples: Document = {}
    for answer in (theirs, own):
        content = answer["content"][MEDIA_TYPE]
        properties = content["schema"]["allOf"][1]["properties"]
        members |= properties
        codes |= dict.fromkeys(properties["code"]["enum"])
        examples |= content["examples"]
    members["code"] = {"enum": sorted(codes)}
    schema = {"allOf": [own["content"][MEDIA_TYPE]["schema"]["allOf"][0], {"type": "object", "properties": members}]}
    return {
        "description": f"{theirs['description']}, {own['description']}",
        "headers": {**theirs.get("headers", {}), **own["headers"]},
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _components(document: Document) -> Document:
    """By `kind/name`, as references have them."""
    kinds: Document = document.get("components", {})
    return {f"{kind}/{name}": component for kind, named in kinds.items() for name, component in named.items()}


def _by_kind(components: Document) -> Document:
    kinds: Document = {}
    for path, component in sorted(components.items()):
        kind, _, name = path.partition("/")
        kinds.setdefault(kind, {})[name] = component
    return kinds


def _component_name(service: str, path: str) -> str:
    kind, _, name = path.partition("/")
    return f"{kind}/{service.title()}{name}"


def _differing(documents: Mapping[str, Document]) -> set[str]:
    """Names of components that differ between services, or refer to one that does."""
    by_service = {service: _components(document) for service, document in documents.items()}
    uses = Counter(name for components in by_service.values() for name in components)
    shared = {name for name, count in uses.items() if count > 1}
    texts = {
        name: {
            orjson.dumps(components[name], option=orjson.OPT_SORT_KEYS)
            for components in by_service.values()
            if name in components
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


def _rename(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_rename(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _rename_reference(value, names) if key == "$ref" else _rename(value, names) for key, value in node.items()
    }


def _rename_reference(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, str) or not value.startswith(REFERENCE):
        return value
    name = value.removeprefix(REFERENCE)
    return REFERENCE + names.get(name, name)
