"""Finds the pending bookings whose time for a confirmation has passed.

Revision ID: 0009_index_pending
"""

from migrations.revisions import create_index, drop_index

revision = "0009_index_pending"
down_revision = "0008_validate_ranges"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index(
        "booking", "bookings_pending", "bookings ((least(confirm_by, starts_at)), id) WHERE status = 'pending'"
    )


def downgrade() -> None:
    drop_index("booking", "bookings_pending")
