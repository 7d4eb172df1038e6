"""Grids that count from the opening, and buffers within hours.

Revision ID: 0013_grid_and_buffers
"""

from alembic import op

revision = "0013_grid_and_buffers"
down_revision = "0012_index_last_offers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE booking.treatments ADD COLUMN grid_from text NOT NULL DEFAULT 'hour'")
    op.execute(
        "ALTER TABLE booking.treatments ADD CONSTRAINT treatments_grid_from_check"
        " CHECK (grid_from IN ('hour', 'opening')) NOT VALID"
    )
    op.execute("ALTER TABLE booking.salon ADD COLUMN buffers_within_hours boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE booking.salon DROP COLUMN buffers_within_hours")
    op.execute("ALTER TABLE booking.treatments DROP COLUMN grid_from")
