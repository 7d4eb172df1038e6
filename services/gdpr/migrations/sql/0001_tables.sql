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
