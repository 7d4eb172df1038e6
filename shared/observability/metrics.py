"""Metrics of HTTP and of the database. Labels have values from fixed sets, never text that a client sent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from starlette.responses import Response

from shared.observability import tracing
from shared.observability.context import current

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATEMENTS = frozenset({"select", "insert", "update", "delete"})

HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Seconds from the first byte of the request to the last of the response",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERY_SECONDS = Histogram(
    "database_query_duration_seconds",
    "Seconds from sending a statement to its result",
    ["service", "statement"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15),
)
QUERY_ERRORS = Counter("database_errors_total", "Statements that failed, by SQLSTATE", ["service", "sqlstate"])
POOL = Gauge("database_pool_connections", "Connections of the pool that are in use or free", ["service", "state"])
POOL_SIZE = Gauge("database_pool_size", "Connections the pool may open", ["service"])


def exposition() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def known_method(method: str) -> str:
    return method if method in METHODS else "other"


class HttpDurations:
    """Caches the children of the histogram, because looking them up by labels costs more than observing."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """`method` is one of METHODS or "other"; `route` is the template of a route."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = HTTP_SECONDS.labels(self._service, method, route, str(status))
        child.observe(seconds)


def watch(engine: Engine, service: str) -> None:
    """Measures and traces every statement, and the pool. Call it before execution_options() copies the engine."""
    seconds = {kind: QUERY_SECONDS.labels(service, kind) for kind in (*STATEMENTS, "other")}

    def begin(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        context.begun = time.perf_counter()
        context.span = _span(service, statement) if tracing.active() else None

    def end(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        seconds[_kind(statement)].observe(time.perf_counter() - context.begun)
        if context.span is not None:
            context.span.end()

    def fail(failure: ExceptionContext) -> None:
        state = getattr(failure.original_exception, "sqlstate", None) or "none"
        QUERY_ERRORS.labels(service, state).inc()
        span = getattr(failure.execution_context, "span", None)
        if span is not None:
            span.end(error=state)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
    _watch_pool(engine, service)


class Statements:
    """Measures and traces statements that are sent with asyncpg, as `watch` does for an engine."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._seconds = {kind: QUERY_SECONDS.labels(service, kind) for kind in (*STATEMENTS, "other")}

    @contextmanager
    def measure(self, statement: str) -> Iterator[None]:
        begun = time.perf_counter()
        span = _span(self._service, statement) if tracing.active() else None
        try:
            yield
        except Exception as error:
            state = getattr(error, "sqlstate", None) or "none"
            QUERY_ERRORS.labels(self._service, state).inc()
            if span is not None:
                span.end(error=state)
            raise
        self._seconds[_kind(statement)].observe(time.perf_counter() - begun)
        if span is not None:
            span.end()


def _watch_pool(engine: Engine, service: str) -> None:
    pool: Any = engine.pool
    POOL_SIZE.labels(service).set(pool.size())
    POOL.labels(service, "used").set_function(lambda: pool.checkedout())
    POOL.labels(service, "free").set_function(lambda: pool.checkedin())


def _kind(statement: str) -> str:
    word = statement.lstrip()[:6].lower()
    return word if word in STATEMENTS else "other"


def _span(service: str, statement: str) -> Any:
    """A child of the current trace. Without one there is no span, because pollers would fill the collector."""
    parent = current().traceparent
    if parent is None:
        return None
    kind = _kind(statement)
    return tracing.begin(kind, "client", parent, database="postgresql", schema=service, summary=kind)
