"""Consents, the kind of a broadcast, idempotency keys as every service has them, and indexes that retention uses.

`broadcasts.idempotency_key` and `request_hash` are written no more; once nothing older runs they can go.

Revision ID: 0002
"""

from alembic import op

from shared.database.revisions import enable_rls, grant, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "notifications"
UPGRADE = """
    CREATE TABLE notifications.consents (
        user_id uuid NOT NULL,
        purpose text NOT NULL,
        granted boolean NOT NULL,
        version integer NOT NULL,
        PRIMARY KEY (user_id, purpose)
    );
    CREATE TABLE notifications.idempotency_keys (
        caller uuid NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        answer jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, key)
    );
    CREATE INDEX idempotency_keys_by_age ON notifications.idempotency_keys (created_at);
    ALTER TABLE notifications.broadcasts -- safe: a salon has few broadcasts to check
        ADD COLUMN kind text NOT NULL DEFAULT 'service' CHECK (kind IN ('service', 'marketing')),
        ALTER COLUMN request_hash DROP NOT NULL;
"""
DOWNGRADE = """
    -- or the owner, who is nobody here, would change no row:
    ALTER TABLE notifications.broadcasts NO FORCE ROW LEVEL SECURITY;
    UPDATE notifications.broadcasts SET request_hash = '' WHERE request_hash IS NULL;
    ALTER TABLE notifications.broadcasts FORCE ROW LEVEL SECURITY;
    ALTER TABLE notifications.broadcasts DROP COLUMN kind, ALTER COLUMN request_hash SET NOT NULL;
    DROP TABLE notifications.idempotency_keys;
    DROP TABLE notifications.consents;
"""
SERVICE, OWN = "(SELECT notifications.claim_role()) = 'service'", "(SELECT notifications.claim_sub())"


def upgrade() -> None:
    script(UPGRADE)
    for table in ("consents", "idempotency_keys"):
        enable_rls(SCHEMA, table)
        grant(SCHEMA, table, "SELECT, INSERT, UPDATE, DELETE")
        op.execute(f"CREATE POLICY {table}_service ON {SCHEMA}.{table} USING ({SERVICE})")
    op.execute(f"CREATE POLICY consents_own_read ON {SCHEMA}.consents FOR SELECT USING ({OWN} = user_id)")
    op.execute(f"CREATE POLICY idempotency_keys_own ON {SCHEMA}.idempotency_keys USING ({OWN} = caller)")


def downgrade() -> None:
    script(DOWNGRADE)
