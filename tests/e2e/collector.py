"""A collector of traces on loopback: takes OTLP over HTTP, and keeps what it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

QUICKLY = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_TRACES_SAMPLER": "parentbased_always_on"}


@dataclass(frozen=True)
class Kept:
    service: str
    name: str
    kind: int  # as in the protocol: 2 server, 3 client, 4 producer, 5 consumer
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]


@dataclass
class Collector:
    url: str = ""
    spans: list[Kept] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, **QUICKLY}

    async def trace(self, id: str) -> list[Kept]:  # noqa: A002
        return [span for span in self.spans if span.trace == id]

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {attribute.key: attribute.value.string_value for attribute in sent.resource.attributes}
            for span in (span for scope in sent.scope_spans for span in scope.spans):
                values = {
                    attribute.key: attribute.value.string_value or str(attribute.value.int_value)
                    for attribute in span.attributes
                }
                ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                self.spans.append(Kept(about["service.name"], span.name, span.kind, *ids, values))


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            if known:
                collector.take(body)
            self.send_response(200 if known else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
