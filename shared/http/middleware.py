"""ASGI middleware: request id, timing and log line, body limit, and rejection of text that cannot be stored."""

import re
import time
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import ProblemError, RuleBroken, TooLarge, problem_response
from shared.messaging.events import new_id
from shared.observability import tracing
from shared.observability.context import bind
from shared.observability.health import Health
from shared.observability.log import logger
from shared.observability.metrics import HttpDurations, known_method

if TYPE_CHECKING:
    from shared.observability.telemetry_export import Span

MAX_BODY_BYTES = 1_048_576
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
UNTRACED = ("/health", "/metrics")
LANGUAGE = "loctician.language"  # in the scope: the language of the answer, if an endpoint asked for it

log = logger(__name__)


def header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


class RequestContext:
    """Binds the request id for logs and events, returns it in a header, measures and logs each request.

    A HEAD is handled as a GET; the server leaves the body out. While the process drains each answer closes its
    connection, so that no call is sent over one that the server is about to end.
    """

    def __init__(self, app: ASGIApp, service: str, health: Health) -> None:
        self.app, self._health = app, health
        self._durations = HttpDurations(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        sent_id, parent = header(scope, b"x-request-id"), tracing.valid_traceparent(header(scope, b"traceparent"))
        request_id = sent_id if REQUEST_ID.match(sent_id) else str(new_id())
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
                if LANGUAGE in scope and all(name != b"content-language" for name, _ in headers):
                    headers += [(b"content-language", scope[LANGUAGE].encode()), (b"vary", b"Accept-Language")]
                headers += [(b"connection", b"close")] if self._health.draining else []
            await send(message)

        span = _span(scope, parent)
        with bind(request_id=request_id, traceparent=span.traceparent if span else parent):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started, span)

    def _record(self, scope: Scope, status: int, seconds: float, span: "Span | None") -> None:
        route: Any = scope.get("route")
        template: str = getattr(route, "path", "unmatched")
        method = known_method(scope["method"])
        self._durations.observe(method, template, status, seconds)
        if not template.startswith(UNTRACED):
            log.info("request", method=method, route=template, status=status, ms=round(seconds * 1000, 1))
        if span is not None:
            span.end_call(method, template, status)


def _span(scope: Scope, parent: str | None) -> "Span | None":
    traced = tracing.active() and not scope["path"].startswith(UNTRACED)
    return tracing.begin("HTTP", "server", parent) if traced else None


class _BodyTooLarge(Exception):
    pass


class InputLimits:
    """Rejects bodies above `max_bytes`, declared or not, and NUL or invalid UTF-8 in path and query."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem = _problem(scope, self.max_bytes)
        if problem is not None:
            await problem_response(Request(scope), problem)(scope, receive, send)
            return
        received, answered = 0, False

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise _BodyTooLarge
            return message

        async def send_watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive_limited, send_watched)
        except _BodyTooLarge:
            if not answered:
                response = problem_response(Request(scope), TooLarge(limit=self.max_bytes))
                await response(scope, receive, send)


def _problem(scope: Scope, max_bytes: int) -> ProblemError | None:
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > max_bytes:
        return TooLarge(limit=max_bytes)
    query = scope["query_string"].lower()
    if "\x00" in scope["path"] or b"%00" in query or b"\x00" in query or "\ufffd" in scope["path"]:
        return RuleBroken()
    return None
