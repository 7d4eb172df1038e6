"""What the gateway counts beside the HTTP metrics of every process."""

from prometheus_client import Counter, Gauge

UPSTREAM_ERRORS = Counter("gateway_upstream_errors_total", "Calls a service did not answer", ["service", "kind"])
WEBSOCKETS = Gauge("gateway_websockets", "Open WebSockets")
REALTIME_SENT = Counter("gateway_realtime_messages_total", "Messages handed to WebSockets")
REALTIME_DROPPED = Counter("gateway_realtime_slow_total", "WebSockets closed because the client was too slow")
