"""Tables of requests, and of what people who are not signed in have asked for. models.py has the others."""

from sqlalchemy import ARRAY, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.booking.columns import INSTANT, check, key, optional, required, table
from shared.classification import NONE, PSEUDONYMOUS, about, personal

KINDS = "kind IN ('booking', 'waitlist')"
STATUSES = "status IN ('waiting', 'booked', 'joined', 'refused', 'lapsed')"

requests = table(
    "requests",
    key("id", PSEUDONYMOUS),
    required("kind", Text, NONE, check(KINDS)),
    required("status", Text, NONE, check(STATUSES)),
    required("treatment_ids", ARRAY(Uuid)),
    optional("loctician_id", Uuid, PSEUDONYMOUS),
    optional("starts_at", INSTANT, PSEUDONYMOUS),
    optional("hold_id", Uuid, PSEUDONYMOUS),
    optional("wish", JSONB, PSEUDONYMOUS),
    optional("notes", Text, personal(purpose="appointments", keep="requests")),
    optional("user_id", Uuid, PSEUDONYMOUS),
    optional("result_id", Uuid, PSEUDONYMOUS),
    optional("reason", Text, PSEUDONYMOUS),
    required("expires_at", INSTANT),
    required("created_at", INSTANT, default="now()"),
    optional("answered_at", INSTANT),
    check("(kind = 'waitlist') = (wish IS NOT NULL)"),
    Index("requests_waiting", "expires_at", postgresql_where=text("status = 'waiting'")),
    Index("requests_by_user", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    info=about(purpose="appointments", keep="requests"),
)

visitor_calls = table(
    "visitor_calls",
    key("id", PSEUDONYMOUS),
    required("network", LargeBinary, PSEUDONYMOUS),
    optional("email", LargeBinary, PSEUDONYMOUS),
    required("made_at", INSTANT, default="now()"),
    Index("visitor_calls_by_network", "network", "made_at"),
    Index("visitor_calls_by_email", "email", "made_at", postgresql_where=text("email IS NOT NULL")),
    info=about(purpose="security", keep="visitor_calls"),
)
