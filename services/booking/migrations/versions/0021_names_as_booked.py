"""What is booked keeps the name of its treatment: for what is booked already, the name that it has now.

Revision ID: 0021_names_as_booked
"""

from alembic import op

from migrations.revisions import backfill

revision = "0021_names_as_booked"
down_revision = "0020_names"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE booking.booking_items ADD COLUMN IF NOT EXISTS service_names jsonb")  # it may be run again
    op.execute("""SELECT set_config('request.jwt.claims', '{"role"\\: "service"}', false)""")  # for the policies
    backfill("""
        UPDATE booking.booking_items i SET service_names = (
            SELECT jsonb_object_agg(l.key, l.value -> 'name')
            FROM booking.treatments t, jsonb_each(t.translations) l WHERE t.id = i.treatment_id)
        WHERE i.id IN (
            SELECT o.id FROM booking.booking_items o JOIN booking.treatments t ON t.id = o.treatment_id
            WHERE o.service_names IS NULL AND jsonb_typeof(t.translations) = 'object'
                AND t.translations <> '{}' LIMIT 1000)
    """)
    op.execute("RESET request.jwt.claims")


def downgrade() -> None:
    op.execute("ALTER TABLE booking.booking_items DROP COLUMN service_names")
