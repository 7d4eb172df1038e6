"""Items whose blocked time has no bounds block the time of their treatment.

Revision ID: 0007_repair_ranges
"""

from migrations.revisions import backfill

revision = "0007_repair_ranges"
down_revision = "0006_agreed_terms"
branch_labels = None
depends_on = None

WRONG = "isempty(blocked) OR lower_inf(blocked) OR upper_inf(blocked)"


def upgrade() -> None:
    backfill(f"""
        UPDATE booking.booking_items SET blocked = during
        WHERE id IN (SELECT id FROM booking.booking_items WHERE {WRONG} LIMIT 1000)
    """)


def downgrade() -> None:
    """The repaired values are right before this revision too."""
