"""Calls of one customer that hold or book take turns from their beginning, so that they do not wait for each other.

Revision ID: 0005
"""

from pathlib import Path

from shared.database.revisions import restore_functions, script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
EARLIER = {
    "0001_holds": ("hold", "release_hold"),
    "0001_book": ("take_hold", "book_series"),
    "0002_waitlist": ("end_holds_of",),
}


def upgrade() -> None:
    script((SQL / "0005_doors.sql").read_text())


def downgrade() -> None:
    for part, functions in EARLIER.items():
        restore_functions(SQL / f"{part}.sql", "booking", *functions)
    script("DROP FUNCTION booking.lock_doors(uuid[])")
