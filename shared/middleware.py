"""Plain ASGI middleware: request id, timing, body limit, refusal of what no database can store."""

import re
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.context import bind
from shared.errors import MEDIA_TYPE, ProblemError, RuleBroken, TooLarge, body_of
from shared.events import new_id
from shared.log import logger
from shared.metrics import HTTP_SECONDS

MAX_BODY_BYTES = 1_048_576
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

log = logger(__name__)


def header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


class RequestContext:
    """Binds the request id for logs and events, answers it, measures, and logs one line a request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given, trace = header(scope, b"x-request-id"), header(scope, b"traceparent")
        request_id = given if REQUEST_ID.match(given) else str(new_id())
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with bind(request_id=request_id, traceparent=trace if TRACEPARENT.match(trace) else None):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        template = getattr(route, "path", "unmatched")
        HTTP_SECONDS.labels(self.service, scope["method"], template, str(status)).observe(seconds)
        if not template.startswith(("/health", "/metrics")):
            log.info("request", method=scope["method"], route=template, status=status, ms=round(seconds * 1000, 1))


class _BodyTooLarge(Exception):
    pass


class InputLimits:
    """Bodies up to MAX_BODY_BYTES, declared or not; no NUL and no invalid UTF-8 in path or query."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem = _refusal(scope)
        if problem is not None:
            await _answer(scope, send, problem)
            return
        received, answered = 0, False

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _BodyTooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, limited, watched)
        except _BodyTooLarge:
            if not answered:
                await _answer(scope, send, TooLarge(limit=MAX_BODY_BYTES))


def _refusal(scope: Scope) -> ProblemError | None:
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        return TooLarge(limit=MAX_BODY_BYTES)
    query = scope["query_string"].lower()
    if "\x00" in scope["path"] or b"%00" in query or b"\x00" in query or "\ufffd" in scope["path"]:
        return RuleBroken()
    return None


async def _answer(scope: Scope, send: Send, error: ProblemError) -> None:
    body = body_of(error, header(scope, b"accept-language"), scope["path"])
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
