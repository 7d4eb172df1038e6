"""What each booking calls keeps its plan, and the key of a call is found without reading those of all others.

Revision ID: 0006
"""

from pathlib import Path

from shared.database.revisions import keep_plan_of_emit, replan_emit, restore_functions, script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
EARLIER = {
    "0001_rules": ("uuids",),
    "0001_book": ("distinct_in_order",),
    "0001_free_time": ("grid",),
    "0001_reasons": ("own_times",),
    "0001_holds": ("clear_lapsed",),
    "0001_records": ("keep_answer",),
}


def upgrade() -> None:
    script((SQL / "0006_plans.sql").read_text())
    keep_plan_of_emit("booking")


def downgrade() -> None:
    for part, functions in EARLIER.items():
        restore_functions(SQL / f"{part}.sql", "booking", *functions)
    replan_emit("booking")
