"""Calls of one customer that hold or book take turns from their beginning, so that they do not wait for each other.

Revision ID: 0005
"""

from pathlib import Path

from shared.migrations import script

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
        for statement in (SQL / f"{part}.sql").read_text().split("\n\n"):
            if any(f"CREATE FUNCTION booking.{name}(" in statement for name in functions):
                script(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    script("DROP FUNCTION booking.lock_doors(uuid[])")
