"""HTTP metrics, labelled by route template and never by what a client sent."""

from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.responses import Response

HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the request's first byte to the answer's last",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def exposition() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
