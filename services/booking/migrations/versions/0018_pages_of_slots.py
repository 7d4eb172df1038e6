"""Free times come in pages, and by day: slots_json() has new arguments, so the former one goes.

Revision ID: 0018_pages_of_slots
"""

from alembic import op

revision = "0018_pages_of_slots"
down_revision = "0017_requests"
branch_labels = None
depends_on = None

FORMER = "slots_json(uuid[], uuid, timestamptz, timestamptz, integer, boolean, text, uuid[])"
ADDED = (
    "slots_json(uuid[], uuid, timestamptz, timestamptz, integer, boolean, text, uuid[], timestamptz, uuid)",
    "slot_days_to_move(jsonb, jsonb)",
    "slot_days_json(uuid[], uuid, date, date, boolean, text, uuid[])",
    "slot_days(uuid[], uuid, date, date, boolean, uuid[])",
    "prepare_search_to_move(jsonb, jsonb)",
    "price_json(integer, text)",
)


def upgrade() -> None:
    op.execute(f"DROP FUNCTION IF EXISTS booking.{FORMER}")


def downgrade() -> None:
    for function in ADDED:
        op.execute(f"DROP FUNCTION IF EXISTS booking.{function}")
