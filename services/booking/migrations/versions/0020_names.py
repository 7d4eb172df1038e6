"""Names of people beside bookings, and what people are found by.

Revision ID: 0020_names
"""

from alembic import op

from migrations.revisions import enable_rls, script

revision = "0020_names"
down_revision = "0019_salon_record"
branch_labels = None
depends_on = None

TRIGGERS = (("learn_customer", "customers"), ("learn_walk_in", "bookings"))
FORMER = "add_booking_items(booking.bookings, uuid[], uuid[], uuid[])"
FUNCTIONS = (
    "add_booking_items(booking.bookings, uuid[], uuid[], uuid[], jsonb)",
    "names_of(uuid)",
    "learn_customer()",
    "learn_walk_in()",
    "learn_walk_ins()",
    "search_customers(text[])",
    "containing(text)",
    "search_words(text)",
    "search_form_danish(text)",
    "search_form(text)",
    "bookings_found(jsonb, text)",
    "count_bookings(jsonb, jsonb)",
    "customer_of(booking.bookings)",
)


def upgrade() -> None:
    script("""
        ALTER TABLE booking.customers ADD COLUMN name text, ADD COLUMN phone text, ADD COLUMN email text;
        CREATE TABLE booking.customer_search (
            customer_id uuid PRIMARY KEY,
            words text NOT NULL,
            address text NOT NULL
        );
        CREATE INDEX customer_search_words ON booking.customer_search USING gin (words public.gin_trgm_ops);
        CREATE INDEX customer_search_address ON booking.customer_search USING gin (address public.gin_trgm_ops);
    """)
    enable_rls("booking", "customer_search")
    op.execute(f"DROP FUNCTION IF EXISTS booking.{FORMER}")


def downgrade() -> None:
    for trigger, table in TRIGGERS:
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON booking.{table}")
    op.execute("DROP POLICY IF EXISTS shown_with_bookings ON booking.customers")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS booking.{function}")
    script("""
        DROP TABLE booking.customer_search;
        ALTER TABLE booking.customers DROP COLUMN name, DROP COLUMN phone, DROP COLUMN email;
    """)
