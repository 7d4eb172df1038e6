"""Free time as one query however many locticians, an index for it, and answers written by the database.

Revision ID: 0003
"""

from pathlib import Path

from alembic import op

from shared.database.revisions import restore_functions, script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
REPLACED = {
    "0001_free_time.sql": ("shared_sittings", "free_sittings", "slots_between"),
    "0001_search.sql": ("exact_query", "near_query", "words_to_mark", "mark"),
}
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
    for part in ("free_time", "search", "answers"):
        script((SQL / f"0003_{part}.sql").read_text())


def downgrade() -> None:
    for file, names in REPLACED.items():
        restore_functions(SQL / file, "booking", *names)
    for function in ADDED:
        op.execute(f"DROP FUNCTION booking.{function}")
