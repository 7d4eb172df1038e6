"""Working hours, overrides, time off, imports, the windows they give, booking's appointments, and feeds.

Revision ID: 0001_baseline
"""

from migrations.revisions import create_service_tables, drop_everything, enable_rls, grant, script

revision = "0001_baseline"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE calendar.working_hours (
        id uuid PRIMARY KEY,
        loctician_id uuid NOT NULL,
        weekday smallint NOT NULL CHECK (weekday BETWEEN 0 AND 6),
        starts time NOT NULL,
        ends time NOT NULL CHECK (ends > starts),
        valid_from date NOT NULL,
        valid_until date CHECK (valid_until >= valid_from)
    );
    CREATE INDEX working_hours_by_loctician ON calendar.working_hours (loctician_id);
    CREATE TABLE calendar.overrides (
        loctician_id uuid NOT NULL,
        day date NOT NULL,
        windows jsonb NOT NULL,
        reason text CHECK ((reason IS NULL) = (windows <> '[]')),
        PRIMARY KEY (loctician_id, day)
    );
    CREATE INDEX overrides_by_day ON calendar.overrides (day);
    CREATE TABLE calendar.time_off (
        id uuid PRIMARY KEY,
        loctician_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX time_off_by_loctician ON calendar.time_off (loctician_id, starts_at);
    CREATE INDEX time_off_by_end ON calendar.time_off (ends_at);
    CREATE TABLE calendar.imports (
        id uuid PRIMARY KEY,
        loctician_id uuid NOT NULL,
        url text,
        status text NOT NULL CHECK (status IN ('waiting', 'current', 'failing', 'stopped')),
        problem text,
        busy tstzmultirange NOT NULL DEFAULT '{}',
        covers_until date,
        etag text,
        last_modified text,
        failures integer NOT NULL DEFAULT 0,
        due_at timestamptz,
        checked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX imports_by_loctician ON calendar.imports (loctician_id);
    CREATE INDEX imports_due ON calendar.imports (due_at) WHERE due_at IS NOT NULL;
    CREATE TABLE calendar.windows (
        loctician_id uuid NOT NULL,
        day date NOT NULL,
        windows jsonb NOT NULL,
        closed_for text CHECK (closed_for IN ('holiday', 'time_off', 'override')),
        PRIMARY KEY (loctician_id, day)
    );
    CREATE INDEX windows_by_day ON calendar.windows (day);
    CREATE TABLE calendar.loctician_versions (
        loctician_id uuid PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        hours_version integer NOT NULL DEFAULT 0,
        published_until date
    );
    CREATE TABLE calendar.appointments (
        item_id uuid PRIMARY KEY,
        booking_id uuid NOT NULL,
        loctician_id uuid NOT NULL,
        customer_id uuid NOT NULL,
        treatment_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        status text NOT NULL,
        version integer NOT NULL,
        changed_at timestamptz NOT NULL
    );
    CREATE INDEX appointments_by_loctician ON calendar.appointments (loctician_id, starts_at);
    CREATE INDEX appointments_by_booking ON calendar.appointments (booking_id);
    CREATE INDEX appointments_by_customer ON calendar.appointments (customer_id, starts_at);
    CREATE INDEX appointments_cancelled ON calendar.appointments (changed_at) WHERE status = 'cancelled';
    CREATE INDEX appointments_by_end ON calendar.appointments (ends_at);
    CREATE TABLE calendar.booking_versions (
        booking_id uuid PRIMARY KEY,
        version integer NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX booking_versions_by_age ON calendar.booking_versions (changed_at);
    CREATE TABLE calendar.treatment_names (
        treatment_id uuid PRIMARY KEY,
        names jsonb NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE calendar.loctician_names (
        loctician_id uuid PRIMARY KEY,
        display_name text NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE calendar.languages (person_id uuid PRIMARY KEY, language text NOT NULL, version integer NOT NULL);
    CREATE TABLE calendar.feeds (
        owner_id uuid PRIMARY KEY,
        id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('loctician', 'customer')),
        token_hash bytea NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE calendar.idempotency_keys (
        caller uuid NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        answer jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, key)
    );
    CREATE INDEX idempotency_keys_by_age ON calendar.idempotency_keys (created_at);
"""
PROTECTED = (
    "appointments",
    "booking_versions",
    "feeds",
    "idempotency_keys",
    "imports",
    "languages",
    "loctician_names",
    "loctician_versions",
    "overrides",
    "time_off",
    "windows",
    "working_hours",
)


def upgrade() -> None:
    create_service_tables("calendar")
    script(TABLES)
    for table in PROTECTED:
        enable_rls("calendar", table)
    for table in (*PROTECTED, "treatment_names"):
        grant("calendar", table, "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    drop_everything("calendar")
