"""Versions have an age; what leads to a person by its id is under Row Level Security.

Revision ID: 0002
"""

from alembic import op

from shared.database.revisions import enable_rls, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "calendar"
UPGRADE = """
    ALTER TABLE calendar.booking_versions ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
"""
DOWNGRADE = """
    ALTER TABLE calendar.booking_versions DROP COLUMN changed_at;
"""
ROLE, SUB = "(SELECT calendar.claim_role())", "(SELECT calendar.claim_sub())"
SALON = f"{ROLE} IN ('staff', 'admin', 'service')"
CONDITIONS = {
    "windows": f"{SALON} OR ({ROLE} = 'loctician' AND {SUB} = loctician_id)",
    "loctician_versions": f"{SALON} OR ({ROLE} = 'loctician' AND {SUB} = loctician_id)",
    "booking_versions": f"{ROLE} = 'service'",
}


def upgrade() -> None:
    script(UPGRADE)
    for table, condition in CONDITIONS.items():
        enable_rls(SCHEMA, table)
        op.execute(f"CREATE POLICY allowed ON {SCHEMA}.{table} USING ({condition})")


def downgrade() -> None:
    for table in CONDITIONS:
        op.execute(f"DROP POLICY allowed ON {SCHEMA}.{table}")
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {SCHEMA}.{table} DISABLE ROW LEVEL SECURITY")
    script(DOWNGRADE)
