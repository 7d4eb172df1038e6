"""Exports spans to an OpenTelemetry collector over HTTP, in batches on a thread. Loaded only if tracing is on."""

from collections.abc import Callable, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import StatusCode

PATH = "/v1/traces"
EXPORT_SECONDS = 10.0
AdaptSampler = Callable[[Sampler], Sampler]
KINDS = {kind.name.lower(): kind for kind in SpanKind}


class Span:
    """An open span. Its attributes are words of fixed sets and numbers, never values that came with a call."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, name: str | None = None, error: str | None = None, **attributes: str | int) -> None:
        span = self._span
        if not span.is_recording():
            return
        if name is not None:
            span.update_name(name)
        for key, value in attributes.items():
            span.set_attribute(ATTRIBUTES[key], value)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end()

    def end_call(self, method: str, route: str, status: int) -> None:
        error = str(status) if status >= 500 else None
        self.end(f"{method} {route}", error, method=method, route=route, status=status)


# The attributes that a span may have, with their names in OpenTelemetry's semantic conventions.
ATTRIBUTES = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "event": "messaging.message.type",
    "event_id": "messaging.message.id",
    "destination": "messaging.destination.name",
    "operation": "messaging.operation.name",
    "system": "messaging.system",
    "outcome": "loctician.outcome",
    "schema": "db.namespace",
    "database": "db.system.name",
    "summary": "db.query.summary",
}


class Tracing:
    def __init__(self, service: str, endpoint: str, adapt_sampler: AdaptSampler | None) -> None:
        resource = Resource.create({"service.name": service, "service.namespace": "loctician"})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        if adapt_sampler:
            self.provider.sampler = adapt_sampler(self.provider.sampler)
        # A parent-based sampler never records what the parent does not record.
        self._trusts_parents = isinstance(self.provider.sampler, ParentBased)
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + PATH, timeout=EXPORT_SECONDS)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("loctician")

    def begin(self, name: str, kind: str, parent: str | None, attributes: Mapping[str, str]) -> Span | None:
        """Returns None if the trace is not recorded; the parent's traceparent says so already."""
        context = Context()
        if parent is not None:
            flags = int(parent[53:55], 16)
            if self._trusts_parents and not flags & TraceFlags.SAMPLED:
                return None
            remote = SpanContext(int(parent[3:35], 16), int(parent[36:52], 16), True, TraceFlags(flags))
            context = trace.set_span_in_context(trace.NonRecordingSpan(remote), context)
        named = {ATTRIBUTES[key]: value for key, value in attributes.items()}
        return Span(self._tracer.start_span(name, context, KINDS[kind], named))
