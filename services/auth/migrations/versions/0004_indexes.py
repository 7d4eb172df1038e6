"""What retention looks for has an index.

Revision ID: 0004
"""

from shared.database.revisions import create_index, drop_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = {
    "users_never_verified": "users (created_at) WHERE first_verified_at IS NULL",
    "sessions_ended": "sessions (least(revoked_at, expires_at))",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index("auth", name, definition)


def downgrade() -> None:
    for name in INDEXES:
        drop_index("auth", name)
