"""What the gateway counts beside the HTTP metrics of every process."""

from prometheus_client import Counter, Gauge, Histogram

UPSTREAM_ERRORS = Counter("gateway_upstream_errors_total", "Calls a service did not answer", ["service", "kind"])
RETRIES = Counter("gateway_upstream_retries_total", "Calls given to another replica, and why", ["service", "reason"])
BREAKERS_OPENED = Counter("gateway_breaker_opened_total", "Replicas left alone for failing in a row", ["service"])
REPLICAS = Gauge("gateway_upstream_replicas", "Replicas by what they say of themselves", ["service", "standing"])
WEBSOCKETS = Gauge("gateway_websockets", "Open WebSockets")
REALTIME_SENT = Counter("gateway_realtime_messages_total", "Messages handed to WebSockets")
REALTIME_DROPPED = Counter("gateway_realtime_slow_total", "WebSockets closed because the client was too slow")
WEBSOCKETS_CLOSED = Counter("gateway_websockets_closed_total", "WebSockets the gateway closed or refused", ["code"])
RESUMED = Counter("gateway_realtime_resumed_total", "Clients that asked for what they missed", ["outcome"])
TICKETS = Counter("gateway_tickets_total", "Tickets that opened a WebSocket, or why not", ["outcome"])
REVOCATIONS = Gauge("gateway_revocations", "Ended sessions and users whose tokens are refused")
REVOCATIONS_CURRENT = Gauge("gateway_revocations_current", "1 while ended sessions are heard of at once, 0 while not")
REVOKED_SECONDS = Histogram(
    "gateway_revoked_seconds",
    "From the end of a session until this gateway refused its tokens",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
CONNECTIONS = Gauge("gateway_connections", "Open HTTP connections of clients, WebSockets not counted")
CONNECTIONS_ENDED = Counter("gateway_connections_ended_total", "Client connections ended before their time", ["reason"])
RATE_LIMITED_CALLS = Counter(
    "gateway_rate_limit_total",
    "Calls by rule and outcome: allowed, refused, known (allowed where the account came in before), "
    "and while they cannot be counted open (let through) and closed (refused)",
    ["rule", "outcome"],
)
LEASE_SECONDS = Histogram(
    "gateway_rate_limit_trip_seconds",
    "Trips to the database for shares of buckets",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LEASES = Counter("gateway_rate_limit_leases_total", "Shares of buckets asked for, many of them in one trip")
BUCKETS = Gauge("gateway_rate_limit_buckets", "Buckets this gateway remembers")
RATE_LIMITS_AWAY = Gauge("gateway_rate_limit_away", "1 while the database is away, so that nothing is counted, else 0")
