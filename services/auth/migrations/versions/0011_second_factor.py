"""Whether a session has shown a second factor. account() says so: its arguments and its answer have other types.

Revision ID: 0011_second_factor
"""

from alembic import op

revision = "0011_second_factor"
down_revision = "0010_passkeys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE auth.sessions ADD COLUMN second_factor boolean NOT NULL DEFAULT false")
    op.execute("DROP FUNCTION IF EXISTS auth.account(uuid)")


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS auth.account(uuid, uuid)")
    op.execute("DROP FUNCTION IF EXISTS auth.mark_second_factor(uuid, uuid)")
    op.execute("ALTER TABLE auth.sessions DROP COLUMN second_factor")
