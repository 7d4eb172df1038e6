"""What retention looks for has an index.

Revision ID: 0003
"""

from shared.database.revisions import create_index, drop_index

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {
    "booking_versions_by_age": "booking_versions (changed_at)",
    "appointments_by_end": "appointments (ends_at)",
    "time_off_by_end": "time_off (ends_at)",
    "overrides_by_day": "overrides (day)",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index("calendar", name, definition)


def downgrade() -> None:
    for name in INDEXES:
        drop_index("calendar", name)
