"""One-time tokens and changes of address carry a MAC. Tokens from before have none and must be asked for again.

Revision ID: 0005_token_macs
"""

from alembic import op

from migrations.revisions import script

revision = "0005_token_macs"
down_revision = "0004_user_search"
branch_labels = None
depends_on = None

SAFE = "-- safe: nothing has been released, so no older version runs beside this\n"
NEW = (
    "sign_token(bytea, bytea)",
    "read_token(bytea)",
    "_use_token(bytea, text, bytea)",
    "verify_email(bytea, bytea)",
    "reset_password(bytea, bytea, text, bytea)",
    "read_email_change(bytea)",
    "sign_email_change(bytea, bytea)",
)
OLD = (
    "is_token_valid(bytea, text)",
    "_use_token(bytea, text)",
    "verify_email(bytea)",
    "reset_password(bytea, text, bytea)",
)


def upgrade() -> None:
    for function in OLD:
        op.execute(f"{SAFE}DROP FUNCTION IF EXISTS auth.{function}")
    script("""
        ALTER TABLE auth.one_time_tokens ADD COLUMN mac bytea;
        ALTER TABLE auth.email_changes ADD COLUMN mac bytea;
    """)


def downgrade() -> None:
    for function in NEW:
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    script("""
        ALTER TABLE auth.one_time_tokens DROP COLUMN mac;
        ALTER TABLE auth.email_changes DROP COLUMN mac;
    """)
