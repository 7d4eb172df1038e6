"""The attack list: what no schema would think of, at every parameter, header and field of every operation."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from tests.fuzz.people import People, ended

Json = dict[str, Any]
AT_ONCE = 8
WORST = 499

# As they stand in an address, percent-encoded already.
IN_ADDRESSES = (
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",  # a lone surrogate
    "%F0%9F%92%87",
    "-1",
    "9" * 400,
    "1e400",
    "NaN",
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-09-14T10:00:00%2B26:00",
    "2026-02-30T10:00:00Z",
    "2026-W01",
    "%27%3B--",
    "%25s",
    "x" * 2000,
)
IN_HEADERS = (
    b"\xff\xfe",
    b'"' + b"9" * 90 + b'"',
    b'W/"1"',
    b"*, *",
    b'""',
    b",,,,",
    b"\xc3\xa6\xc3\xb8\xc3\xa5",
    b"x" * 3000,
    b"da;q=1e400, en;q=nan",
    b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00",
)
HEADERS = ("If-Match", "If-None-Match", "Idempotency-Key", "Accept-Language", "Accept", "X-Request-ID", "traceparent")
# In the place of any value in a body, as JSON.
IN_BODIES = (
    rb'"\u0000"',
    rb'"a\u0000b"',
    rb'"\ud800"',
    rb'"\udfff\ud800"',
    b"9" * 400,
    b"-" + b"9" * 20,
    b"9223372036854775808",
    b"2147483648",
    b"1e400",
    b"NaN",
    b"-0.0",
    b'"0001-01-01T00:00:00+14:00"',
    b'"9999-12-31T23:59:59-14:00"',
    b'"2026-09-14T10:00:00+26:00"',
    b'"0001-01-01"',
    b'"24:00"',
    b'"' + b"x" * 100_000 + b'"',
    b"[]",
    b"{}",
    b"null",
    rb'{"\u0000": "\u0000"}',
    b'{"__proto__": 1}',
    b"[" * 500 + b"]" * 500,
)
WHOLE_BODIES = (
    b"",
    b"null",
    b"0",
    b'"text"',
    b"[]",
    b"{",
    b"\xff\xfe{}",
    b'{"\xff": 1}',
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"{}" * 2,
    "{}".encode("utf-16"),
)
MEDIA_TYPES = (
    "",
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "application/json; charset=utf-16",
    "application/json; charset=nothing",
    "application/x-www-form-urlencoded",
    "text/calendar",
    "æ/ø",
)
PLACE = b'"@@@"'


UNSUBSCRIBE = "/api/v1/notifications/unsubscribe/"  # the page of a link in mails that stands below /api


async def attack(document: Json, people: People, role: str, every: int = 1) -> tuple[int, list[str]]:
    """How many calls were made, and those that were answered as if it were our fault, or not with a problem.

    `every`: only each so-manieth of the attacks.
    """
    findings: list[str] = []
    requests = islice(attacks(document, people.ids), 0, None, every)
    calls = 0
    async with httpx.AsyncClient(base_url=people.url, timeout=60) as http:

        async def work() -> None:
            nonlocal calls
            for request in requests:
                calls += 1
                identity = people.headers[role]
                headers = {**identity, **request.pop("headers", {})}
                answer = await http.send(http.build_request(**request, headers=headers))
                if role != "anonymous" and ended(answer) and people.headers[role] is identity:
                    people.sign_in(role)
                if answer.status_code > WORST or not _is_explained(answer):
                    shown = {name: str(value)[:200] for name, value in request.items()}
                    findings.append(f"{shown} as {role}: {answer.status_code} {answer.text[:300]}")

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return calls, findings


def _is_explained(answer: httpx.Response) -> bool:
    """Whether a refusal is a problem document; on the pages that mails link to, a page."""
    media = answer.headers.get("content-type", "")
    path = answer.request.url.path
    is_page = "text/html" in media and (not path.startswith("/api/") or path.startswith(UNSUBSCRIBE))
    return answer.status_code < 400 or "problem+json" in media or is_page


def attacks(document: Json, ids: dict[str, list[str]]) -> Iterator[Json]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            url = _address(path, operation, ids)
            body = _body(operation)
            yield from _at_addresses(method, path, operation, ids, body)
            yield from _at_headers(method, url, body)
            if body is not None:
                yield from _at_bodies(method, url, body)


def _address(path: str, operation: Json, ids: dict[str, list[str]], **values: str) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            name = parameter["name"]
            value = values.get(name) or quote(str((ids.get(name) or [parameter["example"]])[0]))
            path = path.replace(f"{{{name}}}", value)
    return path


def _body(operation: Json) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")


def _json(body: Any) -> Json:
    if body is None:
        return {}
    return {"content": orjson.dumps(body), "headers": {"Content-Type": "application/json"}}


def _at_addresses(method: str, path: str, operation: Json, ids: dict[str, list[str]], body: Any) -> Iterator[Json]:
    for parameter in operation["parameters"]:
        for value in IN_ADDRESSES:
            if parameter["in"] == "path":
                yield {
                    "method": method,
                    "url": _address(path, operation, ids, **{parameter["name"]: value}),
                    **_json(body),
                }
            elif parameter["in"] == "query":
                url = f"{_address(path, operation, ids)}?{parameter['name']}={value}"
                yield {"method": method, "url": url, **_json(body)}


def _at_headers(method: str, url: str, body: Any) -> Iterator[Json]:
    for name in HEADERS:
        for value in IN_HEADERS:
            request = _json(body)
            yield {"method": method, "url": url, **request, "headers": {**request.get("headers", {}), name: value}}


def _at_bodies(method: str, url: str, body: Any) -> Iterator[Json]:
    media = {"Content-Type": "application/json"}
    for content in WHOLE_BODIES:
        yield {"method": method, "url": url, "content": content, "headers": media}
    for media_type in MEDIA_TYPES:
        yield {
            "method": method,
            "url": url,
            "content": orjson.dumps(body),
            "headers": {"Content-Type": media_type.encode()},
        }
    for marked in _marked(body):
        template = orjson.dumps(marked)
        for value in IN_BODIES:
            yield {"method": method, "url": url, "content": template.replace(PLACE, value), "headers": media}


def _marked(node: Any) -> Iterator[Any]:
    """The body as often as it has values, each time with the mark in the place of another."""
    if isinstance(node, dict):
        for key, value in node.items():
            for marked in _marked(value):
                yield {**node, key: marked}
    elif isinstance(node, list):
        for number, value in enumerate(node):
            for marked in _marked(value):
                yield [*node[:number], marked, *node[number + 1 :]]
    yield "@@@"
