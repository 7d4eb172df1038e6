"""The end of the horizon takes a number of days: a function of the row type of `salon` would hold up its changes.

Revision ID: 0015_horizon_end
"""

from alembic import op

revision = "0015_horizon_end"
down_revision = "0014_own_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS booking.horizon_end(booking.salon)")


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS booking.horizon_end(integer)")
