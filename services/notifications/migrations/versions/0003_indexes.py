"""What retention looks for has an index.

Revision ID: 0003
"""

from shared.database.revisions import create_index, drop_index

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {
    "deliveries_by_age": "deliveries (created_at)",
    "notices_by_age": "notices (created_at)",
    "appointments_by_start": "appointments (starts_at)",
    "reminders_by_start": "reminders (starts_at)",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index("notifications", name, definition)


def downgrade() -> None:
    for name in INDEXES:
        drop_index("notifications", name)
