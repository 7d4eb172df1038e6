"""Traces: one from the gateway through HTTP, SQL, outbox and broker into the consumers.

The traceparent of `context` connects the spans: whoever opens a span binds the span's own, the outbox stores it with
the event, and whoever opens the next span uses it as the parent. Without OTEL_EXPORTER_OTLP_ENDPOINT nothing of the
SDK is loaded, and `begin` is one comparison.
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
    from shared.observability.telemetry_export import Span, Tracing

CLOSE_SECONDS = 3.0  # for handing over the last spans, also to a collector that does not answer
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_tracing: "Tracing | None" = None


def configure(service: str, settings: Settings, *, front_door: bool = False) -> None:
    """`front_door`: callers are strangers, who do not decide what is recorded."""
    global _tracing
    _tracing = None
    if settings.otel_exporter_otlp_endpoint:
        from shared.observability.telemetry_export import Tracing  # only for those who want it

        _tracing = Tracing(service, settings.otel_exporter_otlp_endpoint, front_door=front_door)


async def close() -> None:
    """Hand over what was recorded, for a few seconds at most."""
    global _tracing
    tracing, _tracing = _tracing, None
    if tracing is not None:
        last = threading.Thread(target=tracing.provider.shutdown, daemon=True)  # ends with the process if it hangs
        last.start()
        await asyncio.to_thread(last.join, CLOSE_SECONDS)


def accepted(traceparent: str) -> str | None:
    """None for what is no traceparent (W3C Trace Context, version 00)."""
    return traceparent if TRACEPARENT.fullmatch(traceparent) else None


def active() -> bool:
    return _tracing is not None


@contextmanager
def spanned(name: str, kind: str, traceparent: str | None, **attributes: str) -> Iterator[None]:
    """Binds the traceparent for the block, or that of a span within it; what the block raises ends it as an error."""
    parent = accepted(traceparent or "")
    span = begin(name, kind, parent, **attributes)
    with bind(traceparent=span.traceparent if span else parent):
        try:
            yield
        except Exception as error:
            if span:
                span.end(error=type(error).__name__)
            raise
        if span:
            span.end()


def begin(name: str, kind: str, parent: str | None, **attributes: str) -> "Span | None":
    """A span that begins now. None when tracing is off or the trace is not recorded: then the parent goes on."""
    return None if _tracing is None else _tracing.begin(name, kind, parent, attributes)
