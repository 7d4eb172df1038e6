"""Users, their secrets, sessions and signing keys.

Revision ID: 0001_baseline
"""

from migrations.revisions import create_service_tables, drop_everything, enable_rls, grant, script

revision = "0001_baseline"
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
        updated_at timestamptz NOT NULL DEFAULT now(),
        first_verified_at timestamptz,
        erasure_requested_at timestamptz
    );
    CREATE INDEX users_page ON auth.users (created_at, id);
    CREATE INDEX users_never_verified ON auth.users (created_at) WHERE first_verified_at IS NULL;
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
    CREATE INDEX sessions_ended ON auth.sessions (least(revoked_at, expires_at));
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
        started_at timestamptz NOT NULL DEFAULT now(),
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
    CREATE TABLE auth.idempotency_keys (
        caller uuid NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        answer jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, key)
    );
    CREATE INDEX idempotency_keys_by_age ON auth.idempotency_keys (created_at);
"""
# Only functions of the owner reach these.
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


def upgrade() -> None:
    create_service_tables("auth")
    script(TABLES)
    for table in ("users", "signing_keys", "idempotency_keys", *CLOSED):
        enable_rls("auth", table)
    grant("auth", "users", "SELECT, INSERT, UPDATE")
    grant("auth", "signing_keys", "SELECT, INSERT, UPDATE")
    grant("auth", "idempotency_keys", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    drop_everything("auth")
