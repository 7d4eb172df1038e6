"""Names of imported calendars, since when one fails, and what was not understood in it.

Revision ID: 0002_import_problems
"""

from migrations.revisions import script

revision = "0002_import_problems"
down_revision = "0001_baseline"
branch_labels = None
depends_on = None

COLUMNS = """
    ALTER TABLE calendar.imports
        ADD COLUMN name text,
        ADD COLUMN version integer NOT NULL DEFAULT 1,
        ADD COLUMN http_status integer,
        ADD COLUMN failing_since timestamptz,
        ADD COLUMN failure_notified_at timestamptz,
        ADD COLUMN unclear jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN notified jsonb NOT NULL DEFAULT '[]';
"""
DROPPED = """
    ALTER TABLE calendar.imports
        DROP COLUMN name,
        DROP COLUMN version,
        DROP COLUMN http_status,
        DROP COLUMN failing_since,
        DROP COLUMN failure_notified_at,
        DROP COLUMN unclear,
        DROP COLUMN notified;
"""


def upgrade() -> None:
    script(COLUMNS)


def downgrade() -> None:
    script(DROPPED)
