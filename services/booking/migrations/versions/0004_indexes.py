"""What is occupied, by its end: a day of a loctician in four pages.

Revision ID: 0004
"""

from shared.database.revisions import create_index, drop_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = {
    "occupancy_by_end": "occupancy (loctician_id, upper(blocked), lower(blocked)) WHERE active",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index("booking", name, definition)


def downgrade() -> None:
    for name in INDEXES:
        drop_index("booking", name)
