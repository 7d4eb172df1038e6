"""The waitlist offers sittings that locticians share, too.

Revision ID: 0008
"""

from pathlib import Path

from shared.database.revisions import restore_functions, script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
EARLIER = {"0001_waitlist": ("broken_wish", "waiting_json"), "0002_waitlist": ("offer", "offer_openings")}


def upgrade() -> None:
    script((SQL / "0008_shared_offers.sql").read_text())


def downgrade() -> None:
    for part, functions in EARLIER.items():
        restore_functions(SQL / f"{part}.sql", "booking", *functions)
    script("DROP FUNCTION booking.claim_fitting(booking.waitlist, uuid, tstzmultirange)")
    script("DROP FUNCTION booking.fitting_shared(booking.waitlist, uuid, tstzmultirange)")
    script("DROP FUNCTION booking.chairs_of(booking.slot, uuid[])")
    script("DROP FUNCTION booking.try_lock_people(uuid[])")
