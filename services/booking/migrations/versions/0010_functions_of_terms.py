"""Functions that work with agreed terms: their arguments or results differ, so the former ones go.

The SQL files are applied in the transaction of the last revision; this one is it, so that nothing is missing meanwhile.

Revision ID: 0010_functions_of_terms
"""

from alembic import op

revision = "0010_functions_of_terms"
down_revision = "0009_index_pending"
branch_labels = None
depends_on = None

REPLACED = (
    "add_booking_items(booking.bookings, uuid[], uuid[], integer[], uuid[])",
    "add_booking_items(booking.bookings, uuid[], uuid[], uuid[])",
    "add_hold(booking.holds)",
    "move_booking(booking.bookings, booking.change_plan, timestamptz, boolean)",
    "sitting_items(uuid[], uuid[])",
)


def upgrade() -> None:
    _drop_replaced()
    op.execute("""
        ALTER TYPE booking.change_plan -- safe: only functions use it, and the files replace them in this transaction
        DROP ATTRIBUTE old_prices
    """)


def downgrade() -> None:
    _drop_replaced()
    op.execute("ALTER TYPE booking.change_plan ADD ATTRIBUTE old_prices integer[]")


def _drop_replaced() -> None:
    for signature in REPLACED:
        op.execute(f"DROP FUNCTION IF EXISTS booking.{signature}")
