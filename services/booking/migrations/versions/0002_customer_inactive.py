"""Bookings of deactivated customers that wait for the salon's decision.

Revision ID: 0002_customer_inactive
"""

from migrations.revisions import script

revision = "0002_customer_inactive"
down_revision = "0001_baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("ALTER TABLE booking.bookings ADD COLUMN customer_inactive_at timestamptz;")


def downgrade() -> None:
    script("ALTER TABLE booking.bookings DROP COLUMN customer_inactive_at;")
