"""Busy times that were stored before have bounds too.

Revision ID: 0006_validate_busy_times
"""

from alembic import op

revision = "0006_validate_busy_times"
down_revision = "0005_bound_busy_times"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE calendar.imports VALIDATE CONSTRAINT imports_busy_check")


def downgrade() -> None:
    op.execute("ALTER TABLE calendar.imports DROP CONSTRAINT imports_busy_check")
    op.execute(
        "ALTER TABLE calendar.imports ADD CONSTRAINT imports_busy_check"
        " CHECK (NOT (lower_inf(busy) OR upper_inf(busy))) NOT VALID"
    )
