"""Changes of the own address, until they are confirmed.

Revision ID: 0003_email_changes
"""

from alembic import op

from migrations.revisions import enable_rls, script

revision = "0003_email_changes"
down_revision = "0002_first_password"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE auth.email_changes (
            token_hash bytea PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
            email text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX email_changes_user ON auth.email_changes (user_id);
        CREATE INDEX email_changes_expires ON auth.email_changes (expires_at);
    """)
    enable_rls("auth", "email_changes")


def downgrade() -> None:
    for function in (
        "request_email_change(uuid, text, bytea, timestamptz)",
        "confirm_email_change(bytea)",
        "end_email_changes(uuid)",
        "due_email_changes(timestamptz)",
        "remove_email_changes(timestamptz, integer)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    op.execute("DROP TABLE auth.email_changes")
