"""To whom a freed time is still to be offered, and which wishes nobody has looked at yet.

Revision ID: 0004_waitlist_turns
"""

from alembic import op

revision = "0004_waitlist_turns"
down_revision = "0003_index_decisions_and_series"
branch_labels = None
depends_on = None

COLUMNS = (
    ("waitlist", "unexamined", "boolean NOT NULL DEFAULT true"),
    ("freed_times", "noted_at", "timestamptz NOT NULL DEFAULT now()"),
    ("freed_times", "after_at", "timestamptz"),
    ("freed_times", "after_id", "uuid"),
)
# Functions that are gone or have other arguments; the SQL files create the others.
BEFORE = ("take_freed_times(integer)", "lock_lapsed_holds(integer)", "lock_customer_holds(uuid)")
AFTER = ("lock_customer_holds(uuid, boolean)", "lock_lapsed_hold()")
DROP = """
    -- safe: the jobs of the version before fail until it ends, and the new ones do their work
    DROP FUNCTION IF EXISTS booking.{}
"""


def upgrade() -> None:
    for function in BEFORE:
        op.execute(DROP.format(function))
    for table, column, kind in COLUMNS:
        op.execute(f"ALTER TABLE booking.{table} ADD COLUMN {column} {kind}")


def downgrade() -> None:
    for function in AFTER:
        op.execute(DROP.format(function))
    for table, column, _ in reversed(COLUMNS):
        op.execute(f"ALTER TABLE booking.{table} DROP COLUMN {column}")
