"""The salon's name, address and phone, as booking publishes them.

Revision ID: 0002_salon
"""

from migrations.revisions import grant, script

revision = "0002_salon"
down_revision = "0001_baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE notifications.salon (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
            name text NOT NULL,
            address text NOT NULL,
            phone text NOT NULL,
            version integer NOT NULL
        );
    """)
    grant("notifications", "salon", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    script("DROP TABLE notifications.salon;")
