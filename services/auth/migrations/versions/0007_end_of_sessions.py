"""list_sessions() says when a session ends: its answer has another type.

Revision ID: 0007_end_of_sessions
"""

from alembic import op

revision = "0007_end_of_sessions"
down_revision = "0006_codes_of_rows"
branch_labels = None
depends_on = None

DROP = "DROP FUNCTION IF EXISTS auth.list_sessions(uuid)"


def upgrade() -> None:
    op.execute(DROP)


def downgrade() -> None:
    op.execute(DROP)
    op.execute("DROP FUNCTION IF EXISTS auth.is_locked(uuid, bytea, bytea, bytea)")
