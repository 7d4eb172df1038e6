"""Contacts and names as events tell them, deliveries, and the in-app inbox.

Revision ID: 0001
"""

from alembic import op

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

SCHEMA = "notifications"
PROTECTED = ("contacts", "loctician_names", "deliveries", "notices")
TABLES = (*PROTECTED, "treatment_names", "booking_versions")
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
        active boolean NOT NULL DEFAULT true
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
    CREATE TABLE notifications.booking_versions (booking_id uuid PRIMARY KEY, version integer NOT NULL);
    CREATE TABLE notifications.deliveries (
        id uuid PRIMARY KEY,
        event_id uuid NOT NULL,
        recipient_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('mail')),
        kind text NOT NULL,
        part text NOT NULL CHECK (part IN ('customer', 'loctician')),
        booking_id uuid NOT NULL,
        booking_version integer NOT NULL,
        data jsonb NOT NULL,
        status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sending', 'sent', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        resends integer NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 1,
        due_at timestamptz NOT NULL DEFAULT now(),
        lease_until timestamptz,
        give_up_at timestamptz NOT NULL,
        message_id text,
        error text,
        sent_at timestamptz,
        request_id text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((status = 'sending') = (lease_until IS NOT NULL)),
        UNIQUE (event_id, recipient_id, channel)
    );
    CREATE INDEX deliveries_queued ON notifications.deliveries (due_at) WHERE status = 'queued';
    CREATE INDEX deliveries_leased ON notifications.deliveries (lease_until) WHERE status = 'sending';
    CREATE INDEX deliveries_open ON notifications.deliveries (booking_id, recipient_id)
        WHERE status IN ('queued', 'sending');
    CREATE INDEX deliveries_by_recipient ON notifications.deliveries (recipient_id, id);
    CREATE TABLE notifications.notices (
        id uuid PRIMARY KEY,
        event_id uuid NOT NULL,
        user_id uuid NOT NULL,
        kind text NOT NULL,
        part text NOT NULL CHECK (part IN ('customer', 'loctician')),
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        read_at timestamptz,
        UNIQUE (event_id, user_id)
    );
    CREATE INDEX notices_by_user ON notifications.notices (user_id, id);
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
    own = "(SELECT notifications.claim_sub()) = user_id"
    admit("notices", "own_read", "SELECT", own)
    admit("notices", "own_mark", "UPDATE", own)
    for table in TABLES:
        grant(SCHEMA, table, "SELECT, INSERT, UPDATE, DELETE")


def admit(table: str, name: str, command: str, condition: str) -> None:
    op.execute(f"CREATE POLICY {table}_{name} ON {SCHEMA}.{table} FOR {command} USING ({condition})")


def downgrade() -> None:
    drop_everything(SCHEMA)
