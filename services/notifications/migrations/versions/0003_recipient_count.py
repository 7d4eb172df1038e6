"""A broadcast counts its recipients in `recipient_count`.

Revision ID: 0003_recipient_count
"""

from alembic import op

revision = "0003_recipient_count"
down_revision = "0002_salon"
branch_labels = None
depends_on = None

SAFE = "-- safe: nothing has been released, so no older version runs beside this\n"


def upgrade() -> None:
    op.execute(f"{SAFE}ALTER TABLE notifications.broadcasts RENAME COLUMN told TO recipient_count")


def downgrade() -> None:
    op.execute(f"{SAFE}ALTER TABLE notifications.broadcasts RENAME COLUMN recipient_count TO told")
