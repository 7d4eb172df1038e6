"""An erasure that a person asked for begins later: until then it can be withdrawn.

Revision ID: 0002_scheduled_erasures
"""

from alembic import op

revision = "0002_scheduled_erasures"
down_revision = "0001_baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE gdpr.requests ADD COLUMN runs_at timestamptz")


def downgrade() -> None:
    op.execute("DROP POLICY IF EXISTS requests_withdraw ON gdpr.requests")
    op.execute("DROP POLICY IF EXISTS requests_ask ON gdpr.requests")
    op.execute("ALTER TABLE gdpr.requests DROP COLUMN runs_at")
