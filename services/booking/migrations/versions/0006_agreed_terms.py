"""Terms that were agreed for holds and bookings, deadlines of pending bookings, bounds of stored ranges.

Revision ID: 0006_agreed_terms
"""

from alembic import op

revision = "0006_agreed_terms"
down_revision = "0005_salon_address"
branch_labels = None
depends_on = None

BOUNDED = "NOT (lower_inf({0}) OR upper_inf({0}))"
BOUNDED_AND_NOT_EMPTY = "NOT (isempty({0}) OR lower_inf({0}) OR upper_inf({0}))"
COLUMNS = (
    ("bookings", "confirm_by", "timestamptz"),
    ("bookings", "cancel_code", "text"),
    ("booking_items", "buffer_before_minutes", "integer"),
    ("booking_items", "buffer_after_minutes", "integer"),
    ("booking_items", "processing_start_minutes", "integer"),
    ("booking_items", "processing_minutes", "integer"),
    ("holds", "terms", "jsonb"),
    ("salon", "confirm_within_hours", "integer NOT NULL DEFAULT 72"),
)
CHECKS = (
    ("salon", "salon_confirm_within_hours_check", "confirm_within_hours BETWEEN 1 AND 336"),
    ("booking_items", "booking_items_during_check", BOUNDED_AND_NOT_EMPTY.format("during")),
    ("booking_items", "booking_items_blocked_check", BOUNDED_AND_NOT_EMPTY.format("blocked")),
    ("occupancy", "occupancy_bounded", BOUNDED.format("blocked")),
    ("open_windows", "open_windows_windows_check", BOUNDED.format("windows")),
    ("freed_times", "freed_times_bounded", BOUNDED.format("times")),
)


def upgrade() -> None:
    for table, column, kind in COLUMNS:
        op.execute(f"ALTER TABLE booking.{table} ADD COLUMN {column} {kind}")
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE booking.{table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")


def downgrade() -> None:
    for table, name, _ in reversed(CHECKS):
        op.execute(f"ALTER TABLE booking.{table} DROP CONSTRAINT {name}")
    for table, column, _ in reversed(COLUMNS):
        op.execute(f"ALTER TABLE booking.{table} DROP COLUMN {column}")
