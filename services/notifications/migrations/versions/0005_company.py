"""Who is behind the salon's name: its legal name and CVR number, as booking publishes them.

Revision ID: 0005_company
"""

from migrations.revisions import script

revision = "0005_company"
down_revision = "0004_verified_addresses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        ALTER TABLE notifications.salon ADD COLUMN legal_name text NOT NULL DEFAULT '';
        ALTER TABLE notifications.salon ADD COLUMN cvr_number text NOT NULL DEFAULT '';
    """)


def downgrade() -> None:
    script("""
        ALTER TABLE notifications.salon DROP COLUMN cvr_number;
        ALTER TABLE notifications.salon DROP COLUMN legal_name;
    """)
