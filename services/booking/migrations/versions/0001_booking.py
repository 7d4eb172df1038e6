"""Catalog, open windows, bookings, and the functions that find free time and book it.

Revision ID: 0001
"""

from pathlib import Path

from alembic import op

from shared.database.revisions import (
    create_claim_functions,
    create_inbox,
    create_outbox,
    drop_everything,
    enable_rls,
    grant,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "booking"
SQL = Path(__file__).parent.parent / "sql"
PROTECTED = (
    "bookings",
    "booking_items",
    "booking_history",
    "customers",
    "holds",
    "idempotency_keys",
    "locticians",
    "portfolio_media",
    "portfolio_sources",
    "salon",
    "waitlist",
)
FUNCTIONS = ("rules", "free_time", "reasons", "records", "waitlist", "holds", "book", "changes", "hours", "listing")
GRANTS = {
    "treatments": "SELECT, INSERT, UPDATE",
    "locticians": "SELECT, INSERT, UPDATE",
    "loctician_treatments": "SELECT, INSERT, UPDATE, DELETE",
    "portfolio_media": "SELECT, INSERT, DELETE",
    "portfolio_sources": "SELECT, INSERT, UPDATE, DELETE",
    "search_words": "SELECT, INSERT",
    "synonyms": "SELECT",
    "open_windows": "SELECT, INSERT, UPDATE, DELETE",
    "customers": "SELECT, INSERT, UPDATE, DELETE",
    "salon": "SELECT, INSERT, UPDATE",
    "bookings": "SELECT, INSERT, UPDATE",
    "booking_items": "SELECT, INSERT, UPDATE, DELETE",
    "occupancy": "SELECT, INSERT, UPDATE, DELETE",
    "holds": "SELECT, INSERT, UPDATE, DELETE",
    "waitlist": "SELECT, INSERT, UPDATE, DELETE",
    "booking_history": "SELECT, INSERT, UPDATE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    create_claim_functions(SCHEMA)
    create_outbox(SCHEMA)
    create_inbox(SCHEMA)
    run("0001_texts.sql")
    run("0001_tables.sql")
    run("0001_search.sql")
    for table in PROTECTED:
        enable_rls(SCHEMA, table)
    for table, privileges in GRANTS.items():
        grant(SCHEMA, table, privileges)
    run("0001_policies.sql")
    for part in FUNCTIONS:
        run(f"0001_{part}.sql")


def downgrade() -> None:
    drop_everything(SCHEMA)
    for name in ("slot", "sitting", "run", "wish"):
        op.execute(f"DROP TYPE booking.{name}")


def run(file: str) -> None:
    """Statements are parted by one blank line; the driver takes one at a time."""
    for statement in (SQL / file).read_text().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
