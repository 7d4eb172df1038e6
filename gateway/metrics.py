"""The gateway's metrics, beside the HTTP metrics of every process."""

from prometheus_client import Counter, Gauge, Histogram

# upstream
UPSTREAM_ERRORS = Counter(
    "gateway_upstream_errors_total", "Calls without a usable answer from the service", ["service", "kind"]
)
RETRIES = Counter("gateway_upstream_retries_total", "Calls sent to another replica, by error", ["service", "reason"])
BREAKERS_OPENED = Counter(
    "gateway_breaker_opened_total", "Circuit breakers opened by failures of a replica", ["service"]
)
REPLICAS = Gauge("gateway_upstream_replicas", "Replicas by the health they report", ["service", "standing"])

# WebSockets
WEBSOCKETS = Gauge("gateway_websockets", "Open WebSockets")
REALTIME_SENT = Counter("gateway_realtime_messages_total", "Messages queued for WebSockets")
REALTIME_DROPPED = Counter("gateway_realtime_slow_total", "WebSockets closed because the client was too slow")
WEBSOCKETS_CLOSED = Counter("gateway_websockets_closed_total", "WebSockets the gateway closed or refused", ["code"])
RESUMED = Counter("gateway_realtime_resumed_total", "Clients that asked for missed messages", ["outcome"])

# identity
TICKETS = Counter("gateway_tickets_total", "WebSocket tickets by outcome", ["outcome"])
REVOCATIONS = Gauge("gateway_revocations", "Ended sessions and users whose tokens are refused")
REVOCATIONS_CURRENT = Gauge(
    "gateway_revocations_current", "1 while the stream of ended sessions is read, 0 while it cannot be read"
)
REVOKED_SECONDS = Histogram(
    "gateway_revoked_seconds",
    "Time from the end of a session until this gateway refuses its tokens",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)

# connections of clients
CONNECTIONS_ENDED = Counter("gateway_connections_ended_total", "Client connections closed by the gateway", ["reason"])

# rate limits
RATE_LIMITED_CALLS = Counter(
    "gateway_rate_limit_total",
    "Calls by rule and outcome: allowed; refused; known (over the limit, but the account has signed in from this "
    "network before); while the database is away, open (let through) or closed (refused)",
    ["rule", "outcome"],
)
LEASE_SECONDS = Histogram(
    "gateway_rate_limit_trip_seconds",
    "Duration of requests to the database for leases",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LEASES = Counter("gateway_rate_limit_leases_total", "Leases asked for, many in one request to the database")
BUCKETS = Gauge("gateway_rate_limit_buckets", "Buckets in memory")
RATE_LIMITS_AWAY = Gauge("gateway_rate_limit_away", "1 while calls cannot be counted (database away), else 0")
