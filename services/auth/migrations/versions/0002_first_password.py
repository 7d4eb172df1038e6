"""reset_password() tells whether the password is the user's first one: its answer has another type.

Revision ID: 0002_first_password
"""

from alembic import op

revision = "0002_first_password"
down_revision = "0001_baseline"
branch_labels = None
depends_on = None

DROP = "DROP FUNCTION IF EXISTS auth.reset_password(bytea, text, bytea)"


def upgrade() -> None:
    op.execute(DROP)


def downgrade() -> None:
    op.execute(DROP)
