"""Contacts, preferences and consents, appointments and reminders, broadcasts, deliveries, and the in-app inbox.

Revision ID: 0001_baseline
"""

from migrations.revisions import create_service_tables, drop_everything, enable_rls, grant, script

revision = "0001_baseline"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE notifications.contacts (
        user_id uuid PRIMARY KEY,
        email text,
        full_name text,
        language text CHECK (language IN ('da', 'en')),
        phone text,
        version integer NOT NULL DEFAULT 0,
        role text,
        role_version integer NOT NULL DEFAULT 0,
        active boolean NOT NULL DEFAULT true,
        active_version integer NOT NULL DEFAULT 0
    );
    CREATE TABLE notifications.treatment_names (
        treatment_id uuid PRIMARY KEY,
        names jsonb NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE notifications.loctician_names (
        loctician_id uuid PRIMARY KEY,
        display_name text NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE notifications.appointments (
        booking_id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        active boolean NOT NULL,
        agreed_at timestamptz NOT NULL,
        facts jsonb NOT NULL,
        version integer NOT NULL,
        next_check_at timestamptz DEFAULT now()
    );
    CREATE INDEX appointments_to_check ON notifications.appointments (next_check_at) WHERE next_check_at IS NOT NULL;
    CREATE INDEX appointments_by_customer ON notifications.appointments (customer_id);
    CREATE INDEX appointments_by_start ON notifications.appointments (starts_at);
    CREATE TABLE notifications.reminders (
        id uuid PRIMARY KEY,
        booking_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        hours integer NOT NULL,
        sent_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (booking_id, starts_at, hours)
    );
    CREATE INDEX reminders_by_start ON notifications.reminders (starts_at);
    CREATE TABLE notifications.preferences (
        user_id uuid PRIMARY KEY,
        language text CHECK (language IN ('da', 'en')),
        choices jsonb NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE notifications.broadcasts (
        id uuid PRIMARY KEY,
        title jsonb NOT NULL,
        body jsonb NOT NULL,
        kind text NOT NULL DEFAULT 'service' CHECK (kind IN ('service', 'marketing')),
        audience text NOT NULL CHECK (audience IN ('all', 'customer', 'loctician', 'staff', 'admin')),
        mail boolean NOT NULL,
        created_by uuid NOT NULL,
        request_id text,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_user_id uuid,
        told integer NOT NULL DEFAULT 0,
        done_at timestamptz
    );
    CREATE INDEX broadcasts_unfinished ON notifications.broadcasts (id) WHERE done_at IS NULL;
    CREATE TABLE notifications.deliveries (
        id uuid PRIMARY KEY,
        event_id uuid NOT NULL,
        recipient_id uuid NOT NULL,
        channel text NOT NULL,
        kind text NOT NULL,
        part text NOT NULL CHECK (part IN ('customer', 'loctician', 'staff', 'person')),
        booking_id uuid,
        booking_version integer,
        data jsonb NOT NULL,
        status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'dropped')),
        attempts integer NOT NULL DEFAULT 0,
        resends integer NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 1,
        due_at timestamptz NOT NULL DEFAULT now(),
        lease_until timestamptz,
        give_up_at timestamptz NOT NULL,
        expires_at timestamptz,
        message_id text,
        error text,
        sent_at timestamptz,
        request_id text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((status = 'sending') = (lease_until IS NOT NULL)),
        CHECK ((booking_id IS NULL) = (booking_version IS NULL)),
        CHECK (status IN ('queued', 'sending') OR NOT data ?| ARRAY['token', 'to']),
        UNIQUE (event_id, recipient_id, channel)
    );
    CREATE INDEX deliveries_queued ON notifications.deliveries (channel, due_at) WHERE status = 'queued';
    CREATE INDEX deliveries_leased ON notifications.deliveries (channel, lease_until) WHERE status = 'sending';
    CREATE INDEX deliveries_open ON notifications.deliveries (booking_id, recipient_id)
        WHERE status IN ('queued', 'sending');
    CREATE INDEX deliveries_by_recipient ON notifications.deliveries (recipient_id, id);
    CREATE INDEX deliveries_by_age ON notifications.deliveries (created_at);
    CREATE TABLE notifications.inboxes (user_id uuid PRIMARY KEY, last bigint NOT NULL);
    CREATE TABLE notifications.notices (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        position bigint NOT NULL,
        event_id uuid NOT NULL,
        kind text NOT NULL,
        part text NOT NULL CHECK (part IN ('customer', 'loctician', 'staff', 'person')),
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        read_at timestamptz,
        PRIMARY KEY (user_id, id),
        UNIQUE (user_id, position),
        UNIQUE (event_id, user_id)
    );
    CREATE INDEX notices_by_age ON notifications.notices (created_at);
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
"""
PROTECTED = (
    "appointments",
    "broadcasts",
    "consents",
    "contacts",
    "deliveries",
    "idempotency_keys",
    "inboxes",
    "loctician_names",
    "notices",
    "preferences",
    "reminders",
)


def upgrade() -> None:
    create_service_tables("notifications")
    script(TABLES)
    for table in PROTECTED:
        enable_rls("notifications", table)
    for table in (*PROTECTED, "treatment_names"):
        grant("notifications", table, "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    drop_everything("notifications")
