"""Free time as one query however many locticians, an index for it, and answers written by the database.

Revision ID: 0003
"""

from pathlib import Path

from alembic import op

from shared.migrations import script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
INDEX = """
    CREATE INDEX occupancy_by_end ON booking.occupancy (loctician_id, upper(blocked), lower(blocked)) WHERE active
"""
REPLACED = ("shared_sittings", "free_sittings", "slots_between")
ADDED = (
    "treatment_json(booking.treatments, text)",
    "slots_answer(uuid[], uuid, timestamptz, timestamptz, integer, boolean, text)",
    "parts_json(timestamptz, jsonb)",
    "html(text)",
    "cursor(json)",
    "vat_in(integer)",
    "formatted(integer, text)",
    "free_moments(uuid, integer, int4multirange, timestamptz, timestamptz)",
    "taken_moments(uuid, int4multirange, timestamptz, timestamptz)",
    "open_moments(uuid, integer, timestamptz, timestamptz)",
)


def upgrade() -> None:
    op.execute(INDEX)
    script((SQL / "0003_free_time.sql").read_text())
    script((SQL / "0003_answers.sql").read_text())


def downgrade() -> None:
    for statement in (SQL / "0001_free_time.sql").read_text().split("\n\n"):
        if any(f"CREATE FUNCTION booking.{name}(" in statement for name in REPLACED):
            op.get_bind().exec_driver_sql(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for function in ADDED:
        op.execute(f"DROP FUNCTION booking.{function}")
    op.execute("DROP INDEX booking.occupancy_by_end")
