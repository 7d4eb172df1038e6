"""Used WebSocket tickets, rate limits, and networks from which accounts have logged in.

Revision ID: 0001_baseline
"""

from migrations.revisions import create_job_runs, drop_everything, grant, script

revision = "0001_baseline"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE gateway.used_tickets (
        jti text PRIMARY KEY CHECK (length(jti) BETWEEN 1 AND 64),
        expires_at timestamptz NOT NULL
    );
    CREATE INDEX used_tickets_expiry ON gateway.used_tickets (expires_at);
    CREATE UNLOGGED TABLE gateway.rate_limits (
        key bytea PRIMARY KEY CHECK (length(key) = 16),
        seconds bigint[] NOT NULL,
        counts integer[] NOT NULL,
        idle_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE gateway.known_networks (
        key bytea PRIMARY KEY CHECK (length(key) = 16),
        seen_on date NOT NULL
    );
"""


def upgrade() -> None:
    create_job_runs("gateway")
    script(TABLES)
    grant("gateway", "used_tickets", "SELECT, INSERT, DELETE")
    for table in ("rate_limits", "known_networks"):
        grant("gateway", table, "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    drop_everything("gateway")
