"""The salon's name and address, as booking publishes them; when a feed's content last changed.

Revision ID: 0004_salon
"""

from migrations.revisions import grant, script

revision = "0004_salon"
down_revision = "0003_hours_past_midnight"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE calendar.salon (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
            name text NOT NULL,
            address text NOT NULL,
            version integer NOT NULL
        );
        ALTER TABLE calendar.feeds ADD COLUMN content_hash bytea, ADD COLUMN modified_at timestamptz;
    """)
    grant("calendar", "salon", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    script("""
        ALTER TABLE calendar.feeds DROP COLUMN content_hash, DROP COLUMN modified_at;
        DROP TABLE calendar.salon;
    """)
