"""Working hours can end at midnight and on the next day.

Revision ID: 0003_hours_past_midnight
"""

from alembic import op

revision = "0003_hours_past_midnight"
down_revision = "0002_import_problems"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE calendar.working_hours DROP CONSTRAINT working_hours_check")


def downgrade() -> None:
    # The version before knows no hours past midnight: they end with the day.
    op.execute("SELECT set_config('request.jwt.claims', '{\"role\": \"service\"}', true)")
    op.execute("UPDATE calendar.working_hours SET ends = '23:59:59' WHERE ends <= starts")
    op.execute(
        "-- safe: on the way down nobody writes hours past midnight any more, and the table is small\n"
        "ALTER TABLE calendar.working_hours ADD CONSTRAINT working_hours_check CHECK (ends > starts)"
    )
