"""Tickets that have opened a WebSocket, so that none opens a second one.

Revision ID: 0001
"""

from shared.database.revisions import create_job_runs, drop_everything, grant, script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE gateway.used_tickets (
            jti text PRIMARY KEY CHECK (length(jti) BETWEEN 1 AND 64),
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX used_tickets_expiry ON gateway.used_tickets (expires_at);
    """)
    grant("gateway", "used_tickets", "SELECT, INSERT, DELETE")
    create_job_runs("gateway")


def downgrade() -> None:
    drop_everything("gateway")
