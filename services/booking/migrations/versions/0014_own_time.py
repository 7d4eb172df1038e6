"""Functions of free time that leave own time out of account: their arguments differ, so the former ones go.

The SQL files are applied in the transaction of the last revision, which creates the functions anew.

Revision ID: 0014_own_time
"""

from alembic import op

revision = "0014_own_time"
down_revision = "0013_grid_and_buffers"
branch_labels = None
depends_on = None

PERIOD = "timestamptz, timestamptz"
BEFORE = (
    f"open_moments(uuid, integer, {PERIOD})",
    f"occupied_moments(uuid, int4multirange, {PERIOD})",
    f"free_moments(uuid, integer, int4multirange, {PERIOD})",
    f"shared_sittings(uuid[], {PERIOD}, boolean)",
    f"free_sittings(uuid[], uuid, {PERIOD}, boolean)",
    "free_sittings_at(uuid[], uuid, timestamptz)",
    f"shared_slots(uuid[], {PERIOD}, interval, integer)",
    f"slots_between(uuid[], uuid, {PERIOD}, integer)",
    f"free_slots(uuid[], uuid, {PERIOD}, integer, boolean)",
    f"slots_json(uuid[], uuid, {PERIOD}, integer, boolean, text)",
    "customer_times(uuid)",
    "nearest_slots(uuid[], uuid, timestamptz, uuid)",
    "take_sitting(uuid, uuid[], uuid, timestamptz, uuid[], boolean, boolean)",
    "book_sitting(jsonb, uuid, timestamptz)",
    "move_booking(booking.bookings, booking.change_plan, timestamptz, boolean)",
)
AFTER = (
    f"open_moments(uuid, int4range, {PERIOD})",
    f"occupied_moments(uuid, int4multirange, {PERIOD}, uuid[])",
    f"free_moments(uuid, int4range, int4multirange, {PERIOD}, uuid[])",
    f"shared_sittings(uuid[], {PERIOD}, boolean, uuid[])",
    f"free_sittings(uuid[], uuid, {PERIOD}, boolean, uuid[])",
    "free_sittings_at(uuid[], uuid, timestamptz, interval, uuid[])",
    f"shared_slots(uuid[], {PERIOD}, integer, uuid[])",
    f"slots_between(uuid[], uuid, {PERIOD}, integer, uuid[])",
    f"free_slots(uuid[], uuid, {PERIOD}, integer, boolean, uuid[])",
    f"slots_json(uuid[], uuid, {PERIOD}, integer, boolean, text, uuid[])",
    "customer_times(uuid, uuid)",
    "nearest_slots(uuid[], uuid, timestamptz, tstzmultirange, boolean, uuid[])",
    "take_sitting(uuid, uuid[], uuid, timestamptz, uuid[], boolean, boolean, uuid, uuid[], uuid[])",
    "book_sitting(jsonb, uuid, timestamptz, uuid[])",
    "move_booking(booking.bookings, booking.change_plan, timestamptz, boolean, booking.sitting)",
)


def upgrade() -> None:
    op.execute("ALTER TABLE booking.treatments VALIDATE CONSTRAINT treatments_grid_from_check")
    _drop(BEFORE)


def downgrade() -> None:
    _drop(AFTER)
    op.execute("ALTER TABLE booking.treatments DROP CONSTRAINT treatments_grid_from_check")
    op.execute(
        "ALTER TABLE booking.treatments ADD CONSTRAINT treatments_grid_from_check"
        " CHECK (grid_from IN ('hour', 'opening')) NOT VALID"
    )


def _drop(signatures: tuple[str, ...]) -> None:
    for signature in signatures:
        op.execute(f"DROP FUNCTION IF EXISTS booking.{signature}")
