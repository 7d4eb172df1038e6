"""Feeds that staff hold of others: beside the owner's own, which they replaced until now.

Revision ID: 0008_staff_feeds
"""

from migrations.revisions import enable_rls, grant, script

revision = "0008_staff_feeds"
down_revision = "0007_names_of_bounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE calendar.staff_feeds (
            owner_id uuid NOT NULL,
            holder_id uuid NOT NULL,
            id uuid NOT NULL,
            kind text NOT NULL CHECK (kind = 'loctician'),
            token_hash bytea NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            content_hash bytea,
            modified_at timestamptz,
            PRIMARY KEY (owner_id, holder_id)
        );
        CREATE INDEX staff_feeds_holder ON calendar.staff_feeds (holder_id);
    """)
    enable_rls("calendar", "staff_feeds")
    grant("calendar", "staff_feeds", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    script("DROP TABLE calendar.staff_feeds")
