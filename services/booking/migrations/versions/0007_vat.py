"""Slots tell the VAT that is in their price, as the catalog does.

Revision ID: 0007
"""

from pathlib import Path

from shared.database.revisions import restore_functions, script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    script((SQL / "0007_answers.sql").read_text())


def downgrade() -> None:
    restore_functions(SQL / "0003_answers.sql", "booking", "slots_answer")
