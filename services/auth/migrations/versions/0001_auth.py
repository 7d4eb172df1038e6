"""Users, their secrets, sessions and signing keys, and the functions that are the only way to the secrets.

Revision ID: 0001
"""

from services.auth.migrations.functions import logins, mfa, one_time, people, sessions
from shared.database.revisions import (
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

TABLES = """
CREATE TABLE auth.users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    full_name text NOT NULL,
    phone text,
    language text NOT NULL CHECK (language IN ('da', 'en')),
    role text NOT NULL CHECK (role IN ('customer', 'loctician', 'staff', 'admin')),
    email_verified boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_page ON auth.users (created_at, id);
CREATE TABLE auth.credentials (
    user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE auth.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    user_agent text,
    address text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_user ON auth.sessions (user_id);
CREATE INDEX sessions_expires ON auth.sessions (expires_at);
CREATE TABLE auth.refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES auth.sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_by bytea
);
CREATE INDEX refresh_tokens_session ON auth.refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires ON auth.refresh_tokens (expires_at);
CREATE TABLE auth.one_time_tokens (
    token_hash bytea PRIMARY KEY,
    user_id uuid REFERENCES auth.users ON DELETE CASCADE,
    email text,
    purpose text NOT NULL CHECK (purpose IN ('verify', 'reset')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_tokens_user ON auth.one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_expires ON auth.one_time_tokens (expires_at);
CREATE TABLE auth.mfa (
    user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    secret bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,
    confirmed_at timestamptz
);
CREATE TABLE auth.recovery_codes (
    user_id uuid NOT NULL REFERENCES auth.mfa ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, code_hash)
);
CREATE TABLE auth.login_attempts (
    key bytea PRIMARY KEY,
    scope text NOT NULL CHECK (scope IN ('pair', 'account', 'address')),
    failures integer NOT NULL,
    last_failure_at timestamptz NOT NULL,
    locked_until timestamptz
);
CREATE INDEX login_attempts_age ON auth.login_attempts (last_failure_at);
CREATE TABLE auth.known_addresses (
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    address bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, address)
);
CREATE INDEX known_addresses_age ON auth.known_addresses (seen_at);
CREATE TABLE auth.signing_keys (
    kid text PRIMARY KEY,
    public_jwk jsonb NOT NULL,
    private_key bytea,
    signs_from timestamptz NOT NULL,
    withdrawn_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
CLOSED = (
    "credentials",
    "sessions",
    "refresh_tokens",
    "one_time_tokens",
    "mfa",
    "recovery_codes",
    "login_attempts",
    "known_addresses",
)

# FORCE binds the owner too. The functions run as the owner, which is what these policies ask for.
OWNER = """
CREATE FUNCTION auth.as_owner() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
    FROM pg_catalog.pg_class c WHERE c.oid = 'auth.users'::pg_catalog.regclass
$$;
"""
POLICIES = """
CREATE POLICY users_read ON auth.users FOR SELECT USING (
    id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('staff', 'admin', 'service')
    OR (SELECT auth.as_owner()));
CREATE POLICY users_add ON auth.users FOR INSERT WITH CHECK (
    (SELECT auth.claim_role()) IN ('admin', 'service') OR (SELECT auth.as_owner()));
CREATE POLICY users_change ON auth.users FOR UPDATE
    USING (id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('admin', 'service')
        OR (SELECT auth.as_owner()))
    WITH CHECK ((SELECT auth.claim_role()) IN ('admin', 'service') OR (SELECT auth.as_owner())
        OR (id = (SELECT auth.claim_sub()) AND role = (SELECT auth.claim_role())));
CREATE POLICY signing_keys_service ON auth.signing_keys USING ((SELECT auth.claim_role()) = 'service');
"""

# Names that begin with an underscore are for the other functions alone.
PRIVILEGES = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT p.oid::regprocedure AS signature, p.proname AS name FROM pg_proc p
               WHERE p.pronamespace = 'auth'::regnamespace AND p.prosecdef LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one.signature);
        IF NOT starts_with(one.name, '_') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO loctician_auth', one.signature);
        END IF;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    create_claim_functions("auth")
    create_outbox("auth")
    create_inbox("auth")
    script(TABLES)
    script(OWNER)
    for table in ("users", "signing_keys", *CLOSED):
        enable_rls("auth", table)
    for table in CLOSED:
        script(f"CREATE POLICY {table}_functions ON auth.{table} USING ((SELECT auth.as_owner()))")
    grant("auth", "users", "SELECT, INSERT, UPDATE")
    grant("auth", "signing_keys", "SELECT, INSERT, UPDATE")
    script(POLICIES)
    for module in (logins, sessions, one_time, mfa, people):
        script(module.FUNCTIONS)
    script(PRIVILEGES)


def downgrade() -> None:
    drop_everything("auth")
