"""Stored busy times have bounds.

Revision ID: 0005_bound_busy_times
"""

from alembic import op

revision = "0005_bound_busy_times"
down_revision = "0004_salon"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE calendar.imports ADD CONSTRAINT imports_busy_check"
        " CHECK (NOT (lower_inf(busy) OR upper_inf(busy))) NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE calendar.imports DROP CONSTRAINT imports_busy_check")
