"""The audit log, data subject requests, consents, and retention periods.

Revision ID: 0001_baseline
"""

from migrations.revisions import create_service_tables, drop_everything, enable_rls, grant, script

revision = "0001_baseline"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE gdpr.audit_log (
        month date NOT NULL,
        id bigint NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        action text NOT NULL,
        entity text,
        entity_version integer NOT NULL,
        actor_id text,
        actor_role text,
        people text[] NOT NULL,
        request_id text,
        source text NOT NULL,
        data jsonb NOT NULL,
        hash bytea NOT NULL,
        PRIMARY KEY (month, id),
        UNIQUE (month, event_id)
    ) PARTITION BY LIST (month);
    CREATE INDEX audit_log_by_id ON gdpr.audit_log (id);
    CREATE INDEX audit_log_by_entity ON gdpr.audit_log (entity, id);
    CREATE INDEX audit_log_by_actor ON gdpr.audit_log (actor_id, id);
    CREATE INDEX audit_log_by_action ON gdpr.audit_log (action, id);
    CREATE INDEX audit_log_by_time ON gdpr.audit_log (occurred_at);
    CREATE INDEX audit_log_by_people ON gdpr.audit_log USING gin (people);

    -- Where each month's hash chain begins and ends, signed with a key that is in no database.
    CREATE TABLE gdpr.audit_checkpoints (
        month date PRIMARY KEY,
        previous date,
        opening bytea NOT NULL,
        first_id bigint NOT NULL,
        last_id bigint NOT NULL,
        head bytea NOT NULL,
        signature bytea NOT NULL
    );
    CREATE TABLE gdpr.people (
        user_id uuid PRIMARY KEY,
        role text,
        role_version integer NOT NULL DEFAULT -1,
        active boolean NOT NULL DEFAULT true,
        active_version integer NOT NULL DEFAULT -1,
        erased_at timestamptz
    );
    CREATE INDEX people_admins ON gdpr.people (user_id) WHERE role = 'admin' AND active;
    CREATE TABLE gdpr.duties (
        booking_id uuid PRIMARY KEY,
        loctician_ids uuid[] NOT NULL,
        ends_at timestamptz NOT NULL,
        open boolean NOT NULL,
        version integer NOT NULL
    );
    CREATE INDEX duties_open ON gdpr.duties USING gin (loctician_ids) WHERE open;
    CREATE INDEX duties_ended ON gdpr.duties (ends_at);
    CREATE TABLE gdpr.requests (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('export', 'erasure')),
        subject_id uuid NOT NULL,
        requested_by uuid NOT NULL,
        status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'expired', 'cancelled')),
        step integer NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 1,
        requested_at timestamptz NOT NULL DEFAULT now(),
        deadline timestamptz NOT NULL,
        finished_at timestamptz,
        expires_at timestamptz
    );
    CREATE UNIQUE INDEX requests_running ON gdpr.requests (subject_id, kind) WHERE status = 'running';
    CREATE INDEX requests_by_subject ON gdpr.requests (subject_id, kind, requested_at);
    CREATE INDEX requests_expiring ON gdpr.requests (expires_at) WHERE status = 'done';
    CREATE TABLE gdpr.request_parts (
        request_id uuid NOT NULL REFERENCES gdpr.requests ON DELETE CASCADE,
        service text NOT NULL,
        answered_at timestamptz,
        rows jsonb,
        dead_letters integer,
        sealed bytea,
        PRIMARY KEY (request_id, service)
    );
    CREATE TABLE gdpr.consents (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id uuid NOT NULL,
        purpose text NOT NULL,
        version integer NOT NULL,
        granted boolean NOT NULL,
        text_version integer NOT NULL,
        language text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, purpose, version)
    );
    CREATE TABLE gdpr.retention_policies (
        service text NOT NULL,
        policy text NOT NULL,
        keep_days integer CHECK (keep_days > 0),
        version integer NOT NULL DEFAULT 0,
        changed_by uuid,
        changed_at timestamptz,
        run_at timestamptz,
        counted bigint,
        removed bigint,
        dry_run boolean,
        PRIMARY KEY (service, policy)
    );
"""
GRANTS = {
    "audit_log": "SELECT, INSERT",
    "audit_checkpoints": "SELECT, INSERT, UPDATE",
    "people": "SELECT, INSERT, UPDATE",
    "duties": "SELECT, INSERT, UPDATE, DELETE",
    "requests": "SELECT, INSERT, UPDATE, DELETE",
    "request_parts": "SELECT, INSERT, UPDATE",
    "consents": "SELECT, INSERT, DELETE",
    "retention_policies": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    create_service_tables("gdpr")
    script(TABLES)
    for table, privileges in GRANTS.items():
        enable_rls("gdpr", table)
        grant("gdpr", table, privileges)


def downgrade() -> None:
    drop_everything("gdpr")
