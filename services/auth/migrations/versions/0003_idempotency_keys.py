"""A call that creates a user, made again under its key, is answered as the first time.

Revision ID: 0003
"""

from shared.database.revisions import enable_rls, grant, script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE auth.idempotency_keys (
            caller uuid NOT NULL,
            key text NOT NULL,
            request_hash bytea NOT NULL,
            answer jsonb,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (caller, key)
        );
        CREATE INDEX idempotency_keys_by_age ON auth.idempotency_keys (created_at);
        CREATE POLICY allowed ON auth.idempotency_keys
            USING ((SELECT auth.claim_role()) = 'service' OR (SELECT auth.claim_sub()) = caller);
    """)
    enable_rls("auth", "idempotency_keys")
    grant("auth", "idempotency_keys", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    script("DROP TABLE auth.idempotency_keys")
