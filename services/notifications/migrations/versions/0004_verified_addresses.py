"""Whether a person's e-mail address is verified: mails to others do not show names.

Revision ID: 0004_verified_addresses
"""

from migrations.revisions import script

revision = "0004_verified_addresses"
down_revision = "0003_recipient_count"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("ALTER TABLE notifications.contacts ADD COLUMN email_verified boolean NOT NULL DEFAULT false;")


def downgrade() -> None:
    script("ALTER TABLE notifications.contacts DROP COLUMN email_verified;")
