"""Finds the tokens that a browser asked for, by the code of their mail.

Revision ID: 0009_index_browsers
"""

from migrations.revisions import create_index, drop_index

revision = "0009_index_browsers"
down_revision = "0008_browsers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("auth", "one_time_tokens_browser", "one_time_tokens (browser, created_at)")


def downgrade() -> None:
    drop_index("auth", "one_time_tokens_browser")
