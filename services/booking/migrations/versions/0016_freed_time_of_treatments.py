"""A freed time may be for wishes with one treatment only: a loctician newly performs it, or it is in the catalog again.

Revision ID: 0016_freed_time_of_treatments
"""

from alembic import op

revision = "0016_freed_time_of_treatments"
down_revision = "0015_horizon_end"
branch_labels = None
depends_on = None

FORMER = "note_freed_time(uuid, tstzmultirange)"
ADDED = (
    "examine_wishes_of(uuid, uuid)",
    "note_freed_time(uuid, tstzmultirange, uuid, timestamptz, timestamptz, uuid)",
    "note_open_hours(uuid, tstzrange, uuid)",
    "note_time_of_rules(integer, boolean)",
)
TRIGGERS = (
    ("note_new_offer", "loctician_treatments"),
    ("note_changed_offer", "loctician_treatments"),
    ("note_time_of_treatment", "treatments"),
)
TRIGGER_FUNCTIONS = ("note_time_of_offer()", "note_time_of_treatment()")


def upgrade() -> None:
    op.execute("ALTER TABLE booking.freed_times ADD COLUMN treatment_id uuid")
    op.execute("DROP TRIGGER IF EXISTS examine_wishes_again ON booking.salon")
    op.execute(f"DROP FUNCTION IF EXISTS booking.{FORMER}")


def downgrade() -> None:
    for trigger, table in TRIGGERS:
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON booking.{table}")
    for function in (*TRIGGER_FUNCTIONS, *ADDED):
        op.execute(f"DROP FUNCTION IF EXISTS booking.{function}")
    op.execute("ALTER TABLE booking.freed_times DROP COLUMN treatment_id")
