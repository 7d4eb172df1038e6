"""Message authentication codes of users and signing keys. Keys are changed by functions, users added by one.

Revision ID: 0006_codes_of_rows
"""

from alembic import op

from migrations.revisions import grant
from shared.settings import runtime_role

revision = "0006_codes_of_rows"
down_revision = "0005_token_macs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("users", "signing_keys"):
        op.execute(f"ALTER TABLE auth.{table} ADD COLUMN mac bytea")
    op.execute(f"REVOKE INSERT, UPDATE ON auth.signing_keys FROM {runtime_role('auth')}")
    op.execute(f"REVOKE INSERT ON auth.users FROM {runtime_role('auth')}")


def downgrade() -> None:
    for function in (
        "add_signing_key(text, jsonb, bytea, timestamptz, bytea)",
        "withdraw_signing_keys(text[])",
        "account(uuid)",
        "password_hashes(uuid, integer)",
        "replace_password_hash(uuid, text, text)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    for table in ("users", "signing_keys"):
        op.execute(f"ALTER TABLE auth.{table} DROP COLUMN mac")
    grant("auth", "signing_keys", "INSERT, UPDATE")
    grant("auth", "users", "INSERT")
