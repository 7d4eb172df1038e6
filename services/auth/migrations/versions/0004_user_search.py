"""What users are found by: names, addresses and phone numbers in the form in which search compares them.

Revision ID: 0004_user_search
"""

from alembic import op

from migrations.revisions import enable_rls, script

revision = "0004_user_search"
down_revision = "0003_email_changes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE auth.user_search (
            user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
            created_at timestamptz NOT NULL,
            words text NOT NULL
        );
        CREATE INDEX user_search_page ON auth.user_search (created_at, user_id);
        CREATE INDEX user_search_words ON auth.user_search USING gin (words public.gin_trgm_ops);
    """)
    enable_rls("auth", "user_search")


def downgrade() -> None:
    op.execute("DROP TRIGGER IF EXISTS learn_user ON auth.users")
    for function in (
        "learn_user()",
        "search_users(text[], timestamptz, uuid, integer)",
        "containing(text)",
        "search_words(text, text, text)",
        "search_form_danish(text)",
        "search_form(text)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS auth.{function}")
    op.execute("DROP TABLE auth.user_search")
