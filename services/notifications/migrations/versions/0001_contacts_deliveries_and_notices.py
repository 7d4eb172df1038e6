"""Contacts and names as events tell them, deliveries, and the in-app inbox.

Revision ID: 0001
"""

from alembic import op

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

SCHEMA = "notifications"
PROTECTED = (
    "contacts",
    "loctician_names",
    "appointments",
    "reminders",
    "preferences",
    "broadcasts",
    "deliveries",
    "inboxes",
    "notices",
)
TABLES = (*PROTECTED, "treatment_names")
CREATE = """
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
        known_at timestamptz NOT NULL,
        facts jsonb NOT NULL,
        version integer NOT NULL,
        look_at timestamptz DEFAULT now()
    );
    CREATE INDEX appointments_to_look_at ON notifications.appointments (look_at) WHERE look_at IS NOT NULL;
    CREATE INDEX appointments_by_customer ON notifications.appointments (customer_id);
    CREATE TABLE notifications.reminders (
        id uuid PRIMARY KEY,
        booking_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        hours integer NOT NULL,
        told_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (booking_id, starts_at, hours)
    );
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
        audience text NOT NULL CHECK (audience IN ('all', 'customer', 'loctician', 'staff', 'admin')),
        mail boolean NOT NULL,
        created_by uuid NOT NULL,
        idempotency_key text,
        request_hash text NOT NULL,
        request_id text,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_user uuid,
        told integer NOT NULL DEFAULT 0,
        done_at timestamptz,
        UNIQUE (created_by, idempotency_key)
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
"""


def upgrade() -> None:
    create_claim_functions(SCHEMA)
    create_outbox(SCHEMA)
    create_inbox(SCHEMA)
    script(CREATE)
    for table in PROTECTED:
        enable_rls(SCHEMA, table)
        admit(table, "service", "ALL", "(SELECT notifications.claim_role()) = 'service'")
    salon = "(SELECT notifications.claim_role()) IN ('staff', 'admin')"
    admit("deliveries", "salon_read", "SELECT", salon)
    admit("deliveries", "salon_resend", "UPDATE", salon)
    admit("broadcasts", "admin", "ALL", "(SELECT notifications.claim_role()) = 'admin'")
    own = "(SELECT notifications.claim_sub()) = user_id"
    admit("contacts", "own_read", "SELECT", own)
    admit("preferences", "own", "ALL", own)
    admit("notices", "own_read", "SELECT", own)
    admit("notices", "own_mark", "UPDATE", own)
    for table in TABLES:
        grant(SCHEMA, table, "SELECT, INSERT, UPDATE, DELETE")


def admit(table: str, name: str, command: str, condition: str) -> None:
    op.execute(f"CREATE POLICY {table}_{name} ON {SCHEMA}.{table} FOR {command} USING ({condition})")


def downgrade() -> None:
    drop_everything(SCHEMA)
