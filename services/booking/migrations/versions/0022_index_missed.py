"""Counts the no-shows of a customer.

Revision ID: 0022_index_missed
"""

from migrations.revisions import create_index, drop_index

revision = "0022_index_missed"
down_revision = "0021_names_as_booked"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("booking", "bookings_missed", "bookings (customer_id) WHERE status = 'no_show'")


def downgrade() -> None:
    drop_index("booking", "bookings_missed")
