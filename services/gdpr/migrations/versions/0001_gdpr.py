"""The audit log, people's requests, their consents, and how long things are kept.

Revision ID: 0001
"""

from datetime import UTC, datetime
from pathlib import Path

from shared.database.revisions import (
    create_claim_functions,
    create_inbox,
    create_outbox,
    drop_everything,
    enable_rls,
    grant,
    script,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "gdpr"
SQL = Path(__file__).parents[1] / "sql"
GRANTS = {
    "audit_log": "SELECT, INSERT",
    "audit_anchors": "SELECT, INSERT, UPDATE",
    "people": "SELECT, INSERT, UPDATE",
    "duties": "SELECT, INSERT, UPDATE, DELETE",
    "requests": "SELECT, INSERT, UPDATE, DELETE",
    "request_parts": "SELECT, INSERT, UPDATE",
    "consents": "SELECT, INSERT, DELETE",
    "retention_policies": "SELECT, INSERT, UPDATE",
}
GUARDED = ("make_audit_month(date)", "drop_old_audit_months()")


def upgrade() -> None:
    create_claim_functions(SCHEMA)
    create_outbox(SCHEMA)
    create_inbox(SCHEMA)
    for name in ("audit", "tables"):
        script((SQL / f"0001_{name}.sql").read_text())
    for table, privileges in GRANTS.items():
        enable_rls(SCHEMA, table)
        grant(SCHEMA, table, privileges)
    script((SQL / "0001_policies.sql").read_text())
    for signature in GUARDED:
        script(f"REVOKE ALL ON FUNCTION gdpr.{signature} FROM PUBLIC")
        script(f"GRANT EXECUTE ON FUNCTION gdpr.{signature} TO loctician_gdpr")
    script(f"SELECT gdpr.make_audit_month('{datetime.now(UTC):%Y-%m}-01')")


def downgrade() -> None:
    drop_everything(SCHEMA)
