"""The salon's name, address and phone; an event of a cancellation can hold a sealed message.

Revision ID: 0005_salon_address
"""

from migrations.revisions import script

revision = "0005_salon_address"
down_revision = "0004_waitlist_turns"
branch_labels = None
depends_on = None

COLUMNS = ("name", "address", "phone")


SIGNATURE = "booking.record_change(booking.bookings, text, text, timestamptz{})"


def upgrade() -> None:
    script(f"DROP FUNCTION IF EXISTS {SIGNATURE.format('')};")
    for column in COLUMNS:
        script(f"ALTER TABLE booking.salon ADD COLUMN {column} text NOT NULL DEFAULT '';")


def downgrade() -> None:
    script(f"DROP FUNCTION IF EXISTS {SIGNATURE.format(', text')};")
    for column in COLUMNS:
        script(f"ALTER TABLE booking.salon DROP COLUMN {column};")
