"""The last offer that a wish had, until when, and the booking that it became.

Revision ID: 0011_last_offers
"""

from alembic import op

revision = "0011_last_offers"
down_revision = "0010_functions_of_terms"
branch_labels = None
depends_on = None

COLUMNS = (("offer_id", "uuid"), ("offer_ends_at", "timestamptz"), ("booking_id", "uuid"))


def upgrade() -> None:
    for column, kind in COLUMNS:
        op.execute(f"ALTER TABLE booking.waitlist ADD COLUMN {column} {kind}")


def downgrade() -> None:
    for column, _ in reversed(COLUMNS):
        op.execute(f"ALTER TABLE booking.waitlist DROP COLUMN {column}")
