"""Indexes for the bookings that wait for a decision, and for those of a series.

Revision ID: 0003_index_decisions_and_series
"""

from migrations.revisions import create_index, drop_index

revision = "0003_index_decisions_and_series"
down_revision = "0002_customer_inactive"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("booking", "bookings_of_inactive", "bookings (starts_at, id) WHERE customer_inactive_at IS NOT NULL")
    create_index("booking", "bookings_by_series", "bookings (series_id) WHERE series_id IS NOT NULL")


def downgrade() -> None:
    drop_index("booking", "bookings_by_series")
    drop_index("booking", "bookings_of_inactive")
