"""Every answer that a test gets is held against what the service's OpenAPI document says of it."""

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI

from shared.openapi.components import HEADERS

Json = dict[str, Any]
# The framework's own, before any operation is found or by whatever fails unforeseen.
UNDECLARED = {404, 405, 500}
_found: dict[str, "Conformance"] = {}


def conformance(app: FastAPI) -> "Conformance":
    """One for all applications of a service: they answer alike."""
    if app.title not in _found:
        _found[app.title] = Conformance(app.openapi())
    return _found[app.title]


class Conformance:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._validator = cache(self._made)
        # A literal path goes before one with a place at the same depth.
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path)
            for path in sorted(document["paths"], key=lambda one: one.count("{"))
        ]

    async def __call__(self, response: httpx.Response) -> None:
        """Fails unless status, media type, headers and body are declared."""
        called = f"{response.request.method} {response.request.url.path}"
        path = next((path for pattern, path in self._paths if pattern.fullmatch(response.request.url.path)), None)
        operation = self._document["paths"].get(path, {}).get(response.request.method.lower())
        if path is None or operation is None:
            return
        await response.aread()
        status, media = str(response.status_code), response.headers.get("content-type", "").partition(";")[0]
        if status not in operation["responses"]:
            assert response.status_code in UNDECLARED, f"{called}: {status} is not declared: {response.text[:300]}"
            return
        answer = operation["responses"][status]
        sent = {name for name in HEADERS if name in response.headers} - answer["headers"].keys()
        sent -= {"Content-Language", "Vary", "Cache-Control"}
        assert not sent, f"{called}: {status} sends undeclared {sorted(sent)}"
        assert media in answer.get("content", {"": {}}), f"{called}: {status} is {media}, which is not declared"
        if media.endswith("json"):
            errors = list(
                self._validator(path, response.request.method.lower(), status, media).iter_errors(response.json())
            )
            assert not errors, f"{called}: {status} {errors[0].instance_path}: {errors[0].message}"[:1000]

    def _made(self, path: str, method: str, status: str, media: str) -> Any:
        schema = self._document["paths"][path][method]["responses"][status]["content"][media]["schema"]
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._document["components"]}, validate_formats=True
        )
