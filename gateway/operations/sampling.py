"""Which traces the gateway records. Loaded only if tracing is on."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes


class OwnDecision(Sampler):
    """Ignores the sampling flag of traces from outside: otherwise any client could have all of its calls recorded."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        outside = kind is SpanKind.SERVER
        parent = None if outside else parent_context
        return self._sampler.should_sample(parent, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"OwnDecision{{{self._sampler.get_description()}}}"
