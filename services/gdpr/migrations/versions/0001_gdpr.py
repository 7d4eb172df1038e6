"""The audit log, append-only for everyone.

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


def upgrade() -> None:
    create_claim_functions("gdpr")
    create_outbox("gdpr")
    create_inbox("gdpr")
    script("""
        CREATE TABLE gdpr.audit_log (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            source text NOT NULL,
            action text NOT NULL,
            entity text NOT NULL,
            entity_version integer NOT NULL,
            actor_id text,
            actor_role text,
            request_id text,
            facts jsonb NOT NULL
        );
        CREATE INDEX audit_log_entity ON gdpr.audit_log (entity, id);
        CREATE INDEX audit_log_actor ON gdpr.audit_log (actor_id, id);
        CREATE INDEX audit_log_occurred ON gdpr.audit_log (occurred_at, id);
        CREATE FUNCTION gdpr.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON gdpr.audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change();
        CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON gdpr.audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change();
    """)
    enable_rls("gdpr", "audit_log")
    script("""
        CREATE POLICY audit_log_add ON gdpr.audit_log FOR INSERT
            WITH CHECK ((SELECT gdpr.claim_role()) = 'service');
        CREATE POLICY audit_log_read ON gdpr.audit_log FOR SELECT
            USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
    """)
    grant("gdpr", "audit_log", "SELECT, INSERT")


def downgrade() -> None:
    drop_everything("gdpr")
