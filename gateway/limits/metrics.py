"""What the limits count."""

from prometheus_client import Counter, Gauge, Histogram

TAKEN = Counter(
    "gateway_rate_limit_total",
    "Calls by rule and outcome: allowed, refused, known (allowed where the account came in before), "
    "and while they cannot be counted open (let through) and closed (refused)",
    ["rule", "outcome"],
)
TRIP_SECONDS = Histogram(
    "gateway_rate_limit_trip_seconds",
    "Trips to the database for shares of buckets",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LEASES = Counter("gateway_rate_limit_leases_total", "Shares of buckets asked for, many of them in one trip")
BUCKETS = Gauge("gateway_rate_limit_buckets", "Buckets this gateway remembers")
AWAY = Gauge("gateway_rate_limit_away", "1 while the database is away, so that nothing is counted, else 0")
