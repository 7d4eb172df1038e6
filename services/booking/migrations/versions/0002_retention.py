"""What is old can be parted from people and removed; time that opens up reaches the waitlist, whatever opened it; why a
booking was cancelled is answered.

Revision ID: 0002
"""

from pathlib import Path

from shared.database.revisions import restore_functions, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
EARLIER = {
    "records": ("booking_json",),
    "waitlist": ("fitting", "offer"),
    "holds": ("drop_own_hold",),
    "hours": ("open_days", "check_hours_of_chair"),
}
DOWN = """
    DROP FUNCTION booking.note_reach();
    DROP TABLE booking.reach;
    DROP FUNCTION booking.offer_openings();
    DROP FUNCTION booking.offer(uuid, tstzmultirange, uuid);
    DROP FUNCTION booking.fitting(booking.waitlist, uuid, tstzmultirange);
    DROP FUNCTION booking.end_holds_of(uuid);
    DROP FUNCTION booking.hours_on(uuid, date[]);
    DROP FUNCTION booking.note_opening(uuid, tstzmultirange);
    DROP FUNCTION booking.remove_bookings(timestamptz, integer);
    DROP FUNCTION booking.books_closed(timestamptz);
    DROP FUNCTION booking.part_old(timestamptz, integer);
    DROP FUNCTION booking.part(uuid[]);
    DROP TABLE booking.openings;
    DROP TRIGGER note_absence ON booking.locticians;
    DROP TRIGGER note_leaving ON booking.locticians;
    DROP FUNCTION booking.note_leaving();
    DROP TRIGGER note_answer ON booking.waitlist;
    DROP FUNCTION booking.note_answer();
    ALTER TABLE booking.bookings DROP COLUMN parted_at;
    ALTER TABLE booking.waitlist DROP COLUMN answered_at;
    ALTER TABLE booking.locticians DROP COLUMN left_at;
"""


def upgrade() -> None:
    for part in ("tables", "records", "retention", "waitlist"):
        script((SQL / f"0002_{part}.sql").read_text())


def downgrade() -> None:
    for part, functions in EARLIER.items():
        restore_functions(SQL / f"0001_{part}.sql", "booking", *functions)
    script(DOWN)
