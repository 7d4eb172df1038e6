"""Tables, types, indexes and constraints of booking, and the words of the trade.

Revision ID: 0001_baseline
"""

from pathlib import Path

from migrations.revisions import create_service_tables, drop_everything, enable_rls, grant, script

revision = "0001_baseline"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "booking"
BASELINE = Path(__file__).parent.parent / "baseline"
UNDER_RLS = (
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
GRANTS = {
    "categories": "SELECT",
    "synonyms": "SELECT",
    "treatments": "SELECT, INSERT, UPDATE",
    "search_words": "SELECT, INSERT",
    "locticians": "SELECT, INSERT, UPDATE",
    "loctician_treatments": "SELECT, INSERT, UPDATE, DELETE",
    "portfolio_media": "SELECT, INSERT, DELETE",
    "portfolio_sources": "SELECT, INSERT, UPDATE, DELETE",
    "open_windows": "SELECT, INSERT, UPDATE, DELETE",
    "customers": "SELECT, INSERT, UPDATE, DELETE",
    "salon": "SELECT, INSERT, UPDATE",
    "bookings": "SELECT, INSERT, UPDATE",
    "booking_items": "SELECT, INSERT, UPDATE, DELETE",
    "booking_history": "SELECT, INSERT, UPDATE",
    "occupancy": "SELECT, INSERT, UPDATE, DELETE",
    "holds": "SELECT, INSERT, UPDATE, DELETE",
    "waitlist": "SELECT, INSERT, UPDATE, DELETE",
    "freed_times": "SELECT, INSERT, UPDATE, DELETE",
    "horizon": "SELECT, INSERT, UPDATE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
}
TYPES = ("slot", "run", "sitting", "change_plan")


def upgrade() -> None:
    create_service_tables(SCHEMA)
    for part in ("search", "tables", "types", "words"):
        script((BASELINE / f"{part}.sql").read_text())
    for table in UNDER_RLS:
        enable_rls(SCHEMA, table)
    for table, privileges in GRANTS.items():
        grant(SCHEMA, table, privileges)


def downgrade() -> None:
    drop_everything(SCHEMA)
    for name in TYPES:
        script(f"DROP TYPE booking.{name}")
