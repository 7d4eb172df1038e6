"""Traces from the gateway through HTTP, SQL, outbox and broker to the consumers.

The traceparent in `context` connects the spans: opening a span binds its traceparent, the outbox stores it with the
event, and the next span takes it as its parent. Without OTEL_EXPORTER_OTLP_ENDPOINT the SDK is not loaded.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.observability.context import bind
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.observability.telemetry_export import AdaptSampler, Span, Tracing

CLOSE_SECONDS = 3.0  # for exporting the last spans, even if the collector does not answer
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_tracing: "Tracing | None" = None


def configure(service: str, settings: Settings, adapt_sampler: "AdaptSampler | None" = None) -> None:
    """`adapt_sampler` gives the sampler to use instead of the configured one."""
    global _tracing
    _tracing = None
    if settings.otel_exporter_otlp_endpoint:
        from shared.observability.telemetry_export import Tracing  # loaded only if tracing is on

        _tracing = Tracing(service, settings.otel_exporter_otlp_endpoint, adapt_sampler)


async def close() -> None:
    """Exports the recorded spans, for CLOSE_SECONDS at most."""
    global _tracing
    tracing, _tracing = _tracing, None
    if tracing is not None:
        thread = threading.Thread(target=tracing.provider.shutdown, daemon=True)  # does not keep the process alive
        thread.start()
        await asyncio.to_thread(thread.join, CLOSE_SECONDS)


def valid_traceparent(traceparent: str) -> str | None:
    """The traceparent (W3C Trace Context, version 00), or None if it is not valid."""
    return traceparent if TRACEPARENT.fullmatch(traceparent) else None


def active() -> bool:
    return _tracing is not None


@contextmanager
def span(name: str, kind: str, traceparent: str | None, **attributes: str) -> Iterator[None]:
    """Runs the block in a span, if the trace is recorded, and binds its traceparent."""
    parent = valid_traceparent(traceparent or "")
    opened = begin(name, kind, parent, **attributes)
    with bind(traceparent=opened.traceparent if opened else parent):
        try:
            yield
        except Exception as error:
            if opened:
                opened.end(error=type(error).__name__)
            raise
        if opened:
            opened.end()


def begin(name: str, kind: str, parent: str | None, **attributes: str) -> "Span | None":
    """Opens a span. Returns None if tracing is off or the trace is not recorded."""
    return None if _tracing is None else _tracing.begin(name, kind, parent, attributes)
