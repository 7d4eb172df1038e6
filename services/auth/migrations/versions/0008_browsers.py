"""The browser that registered an address, or asked for a link; tokens that sign in and confirm requests.

Revision ID: 0008_browsers
"""

from alembic import op

from migrations.revisions import script

revision = "0008_browsers"
down_revision = "0007_end_of_sessions"
branch_labels = None
depends_on = None

SAFE = "-- safe: nothing has been released, so no older version runs beside this\n"
NEW = (
    "register(uuid, text, text, text, text, text, boolean, text, bytea)",
    "issue_token(text, text, bytea, timestamptz, bytea, uuid)",
    "read_token(bytea)",
    "try_code(bytea)",
    "_reset_account(uuid)",
    "_mark_verified(uuid, bytea)",
    "prove_address(bytea, text, bytea, bytea)",
    "reset_password(bytea, bytea, text, bytea, bytea)",
)
OLD = (
    "register(uuid, text, text, text, text, text, boolean, text)",
    "issue_token(text, text, bytea, timestamptz)",
    "read_token(bytea)",
    "_mark_verified(uuid)",
    "verify_email(bytea, bytea)",
    "reset_password(bytea, bytea, text, bytea)",
)


def upgrade() -> None:
    for function in OLD:
        op.execute(f"{SAFE}DROP FUNCTION IF EXISTS auth.{function}")
    script("""
        ALTER TABLE auth.users ADD COLUMN registered_by bytea;
        ALTER TABLE auth.one_time_tokens
            ADD COLUMN browser bytea, ADD COLUMN request_id uuid, ADD COLUMN tries integer NOT NULL DEFAULT 0;
        ALTER TABLE auth.one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check;
    """)


def downgrade() -> None:
    for function in NEW:
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    script("""
        ALTER TABLE auth.users DROP COLUMN registered_by;
        ALTER TABLE auth.one_time_tokens DROP COLUMN browser, DROP COLUMN request_id, DROP COLUMN tries;
        DELETE FROM auth.one_time_tokens WHERE purpose NOT IN ('verify', 'reset');
    """)
    op.execute(
        f"{SAFE}ALTER TABLE auth.one_time_tokens"
        " ADD CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('verify', 'reset'))"
    )
