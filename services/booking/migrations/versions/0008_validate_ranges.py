"""Every stored range has bounds.

Revision ID: 0008_validate_ranges
"""

from alembic import op

revision = "0008_validate_ranges"
down_revision = "0007_repair_ranges"
branch_labels = None
depends_on = None

BOUNDED = "NOT (lower_inf({0}) OR upper_inf({0}))"
BOUNDED_AND_NOT_EMPTY = "NOT (isempty({0}) OR lower_inf({0}) OR upper_inf({0}))"
CHECKS = (
    ("salon", "salon_confirm_within_hours_check", "confirm_within_hours BETWEEN 1 AND 336"),
    ("booking_items", "booking_items_during_check", BOUNDED_AND_NOT_EMPTY.format("during")),
    ("booking_items", "booking_items_blocked_check", BOUNDED_AND_NOT_EMPTY.format("blocked")),
    ("occupancy", "occupancy_bounded", BOUNDED.format("blocked")),
    ("open_windows", "open_windows_windows_check", BOUNDED.format("windows")),
    ("freed_times", "freed_times_bounded", BOUNDED.format("times")),
)


def upgrade() -> None:
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE booking.{table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE booking.{table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE booking.{table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
