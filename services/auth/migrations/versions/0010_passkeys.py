"""Passkeys, and the challenges that were used up.

Revision ID: 0010_passkeys
"""

from alembic import op

from migrations.revisions import enable_rls, script

revision = "0010_passkeys"
down_revision = "0009_index_browsers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE auth.passkeys (
            id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
            credential_id bytea NOT NULL UNIQUE,
            public_key bytea NOT NULL,
            sign_count bigint NOT NULL,
            name text NOT NULL,
            mac bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            last_used_at timestamptz
        );
        CREATE INDEX passkeys_user ON auth.passkeys (user_id);
        CREATE TABLE auth.used_challenges (
            challenge bytea PRIMARY KEY,
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX used_challenges_expires ON auth.used_challenges (expires_at);
    """)
    for table in ("passkeys", "used_challenges"):
        enable_rls("auth", table)


def downgrade() -> None:
    for function in (
        "add_passkey(uuid, uuid, bytea, bytea, bigint, text, bytea, bytea, timestamptz)",
        "list_passkeys(uuid)",
        "find_passkey(bytea)",
        "rename_passkey(uuid, uuid, text)",
        "remove_passkey(uuid, uuid)",
        "open_passkey_session(uuid, uuid, uuid, bigint, bytea, timestamptz, bytea, timestamptz, bytea, text, text)",
        "_use_challenge(bytea, timestamptz)",
        "due_used_challenges(timestamptz)",
        "remove_used_challenges(timestamptz, integer)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    for table in ("passkeys", "used_challenges"):
        op.execute(f"DROP TABLE auth.{table}")
