"""Requests of people who are not signed in, and what is counted of these. Nobody's address is checked any more: who is
signed in has proven it.

Revision ID: 0017_requests
"""

from alembic import op

from migrations.revisions import enable_rls, grant, script

revision = "0017_requests"
down_revision = "0016_freed_time_of_treatments"
branch_labels = None
depends_on = None

FORMER = "check_customer(uuid, boolean)"
ADDED = (
    "accept_request(uuid, uuid)",
    "perform_request(booking.requests, uuid)",
    "request_of_wish(jsonb, booking.requests)",
    "add_request(jsonb, jsonb)",
    "find_request(jsonb, jsonb)",
    "hold_for_request(jsonb, uuid)",
    "hand_over_hold(jsonb, uuid)",
    "lapse_requests()",
    "request_time()",
    "add_wish(jsonb)",
    "take_time(jsonb, uuid, interval)",
    "prolong_hold(jsonb, jsonb)",
    "lock_hold(uuid)",
    "hold_time()",
    "delete_holds_of_caller(uuid)",
    "visitor_limit(text)",
    "visitor_digest(jsonb, text)",
    "lock_visitor(jsonb)",
    "open_calls(uuid[])",
    "check_calls(text, uuid[], timestamptz)",
    "check_visitor(jsonb)",
    "count_visitor(jsonb, uuid)",
    "check_customer(uuid)",
    "act_as(jsonb, jsonb)",
    "knows_times_of(uuid)",
)


def upgrade() -> None:
    script("""
        CREATE TABLE booking.requests (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('booking', 'waitlist')),
            status text NOT NULL CHECK (status IN ('waiting', 'booked', 'joined', 'refused', 'lapsed')),
            treatment_ids uuid[] NOT NULL,
            loctician_id uuid,
            starts_at timestamptz,
            hold_id uuid,
            wish jsonb,
            notes text,
            user_id uuid,
            result_id uuid,
            reason text,
            expires_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            answered_at timestamptz,
            CHECK ((kind = 'waitlist') = (wish IS NOT NULL))
        );
        CREATE INDEX requests_waiting ON booking.requests (expires_at) WHERE status = 'waiting';
        CREATE INDEX requests_by_user ON booking.requests (user_id) WHERE user_id IS NOT NULL;
        CREATE TABLE booking.visitor_calls (
            id uuid PRIMARY KEY,
            network bytea NOT NULL,
            email bytea,
            made_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX visitor_calls_by_network ON booking.visitor_calls (network, made_at);
        CREATE INDEX visitor_calls_by_email ON booking.visitor_calls (email, made_at) WHERE email IS NOT NULL;
    """)
    for table in ("requests", "visitor_calls"):
        enable_rls("booking", table)
        grant("booking", table, "SELECT, INSERT, UPDATE, DELETE")
    op.execute(f"DROP FUNCTION IF EXISTS booking.{FORMER}")


def downgrade() -> None:
    op.execute("DROP POLICY IF EXISTS own_or_salon ON booking.holds")  # it calls claim_browser()
    for function in (*ADDED, "claim_browser()"):
        op.execute(f"DROP FUNCTION IF EXISTS booking.{function}")
    script("DROP TABLE booking.visitor_calls; DROP TABLE booking.requests;")
