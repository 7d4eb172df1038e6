"""Working hours, time off, the windows they give, and the appointments booking tells of.

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

SCHEMA = "calendar"
PROTECTED = ("appointments", "time_off", "working_hours")
TABLES = (*PROTECTED, "windows", "loctician_versions", "booking_versions")
CREATE = """
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
    CREATE TABLE calendar.time_off (
        id uuid PRIMARY KEY,
        loctician_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX time_off_by_loctician ON calendar.time_off (loctician_id, starts_at);
    CREATE TABLE calendar.windows (
        loctician_id uuid NOT NULL,
        day date NOT NULL,
        windows jsonb NOT NULL,
        PRIMARY KEY (loctician_id, day)
    );
    CREATE TABLE calendar.loctician_versions (loctician_id uuid PRIMARY KEY, version integer NOT NULL);
    CREATE TABLE calendar.appointments (
        item_id uuid PRIMARY KEY,
        booking_id uuid NOT NULL,
        loctician_id uuid NOT NULL,
        customer_id uuid NOT NULL,
        treatment_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        status text NOT NULL,
        version integer NOT NULL
    );
    CREATE INDEX appointments_by_loctician ON calendar.appointments (loctician_id, starts_at);
    CREATE INDEX appointments_by_booking ON calendar.appointments (booking_id);
    CREATE INDEX appointments_by_customer ON calendar.appointments (customer_id);
    CREATE TABLE calendar.booking_versions (booking_id uuid PRIMARY KEY, version integer NOT NULL);
"""


def upgrade() -> None:
    create_claim_functions(SCHEMA)
    create_outbox(SCHEMA)
    create_inbox(SCHEMA)
    script(CREATE)
    for table in PROTECTED:
        protect(table)
    for table in TABLES:
        grant(SCHEMA, table, "SELECT, INSERT, UPDATE, DELETE")


def protect(table: str) -> None:
    enable_rls(SCHEMA, table)
    op.execute(f"""
        CREATE POLICY own_or_salon ON calendar.{table} USING (
            (SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
            OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id)
        )
    """)


def downgrade() -> None:
    drop_everything(SCHEMA)
