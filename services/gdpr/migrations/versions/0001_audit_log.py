"""The audit log: rows are added and read, never changed.

Revision ID: 0001
"""

from shared.migrations import (
    create_claim_functions,
    create_inbox,
    create_outbox,
    drop_everything,
    enable_rls,
    grant,
    script,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "gdpr"
CREATE = """
    CREATE TABLE gdpr.audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        action text NOT NULL,
        entity text,
        entity_version integer NOT NULL,
        actor_id text,
        actor_role text,
        request_id text,
        source text NOT NULL,
        data jsonb NOT NULL
    );
    CREATE INDEX audit_log_by_entity ON gdpr.audit_log (entity, id);
    CREATE INDEX audit_log_by_actor ON gdpr.audit_log (actor_id, id);
    CREATE INDEX audit_log_by_action ON gdpr.audit_log (action, id);
    CREATE INDEX audit_log_by_time ON gdpr.audit_log (occurred_at);
    CREATE FUNCTION gdpr.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$;
    -- for each statement, so that it also refuses where Row Level Security would leave no row to change
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gdpr.audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change();
"""
POLICIES = """
    CREATE POLICY audit_log_record ON gdpr.audit_log FOR INSERT
        WITH CHECK ((SELECT gdpr.claim_role()) = 'service');
    CREATE POLICY audit_log_read ON gdpr.audit_log FOR SELECT
        USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
"""


def upgrade() -> None:
    create_claim_functions(SCHEMA)
    create_outbox(SCHEMA)
    create_inbox(SCHEMA)
    script(CREATE)
    enable_rls(SCHEMA, "audit_log")
    script(POLICIES)
    grant(SCHEMA, "audit_log", "SELECT, INSERT")


def downgrade() -> None:
    drop_everything(SCHEMA)
