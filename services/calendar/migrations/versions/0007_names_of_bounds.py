"""The last date of hours and imports is `valid_to`, that of imports included; `first_failed_at` is an instant.

Revision ID: 0007_names_of_bounds
"""

from alembic import op

revision = "0007_names_of_bounds"
down_revision = "0006_validate_busy_times"
branch_labels = None
depends_on = None

SAFE = "-- safe: nothing has been released, so no older version runs beside this\n"
COLUMNS = (
    ("working_hours", "valid_until", "valid_to"),
    ("imports", "covers_until", "valid_to"),
    ("imports", "failing_since", "first_failed_at"),
)


def upgrade() -> None:
    for table, old, new in COLUMNS:
        op.execute(f"{SAFE}ALTER TABLE calendar.{table} RENAME COLUMN {old} TO {new}")
    _move_last_dates(-1)


def downgrade() -> None:
    _move_last_dates(1)
    for table, old, new in COLUMNS:
        op.execute(f"{SAFE}ALTER TABLE calendar.{table} RENAME COLUMN {new} TO {old}")


def _move_last_dates(days: int) -> None:
    """`covers_until` was the first date that an import does not cover."""
    op.execute("SELECT set_config('request.jwt.claims', '{\"role\": \"service\"}', true)")
    op.execute(f"UPDATE calendar.imports SET valid_to = valid_to + ({days}) WHERE valid_to IS NOT NULL")
