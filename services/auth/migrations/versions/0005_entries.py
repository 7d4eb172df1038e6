"""Coming in and staying in are one statement each, whose plans are kept.

Revision ID: 0005
"""

from services.auth.migrations.functions import entries, logins
from shared.database.revisions import keep_plan_of_emit, replan_emit, script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EARLIER = ("_locked", "_remember", "begin_login", "open_session")
AS_OWNER = """
CREATE OR REPLACE FUNCTION auth.as_owner() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
    FROM pg_catalog.pg_class c WHERE c.oid = 'auth.users'::pg_catalog.regclass
$$;
"""


def upgrade() -> None:
    script(entries.KEPT)
    script(entries.TOLD)
    keep_plan_of_emit("auth")
    for signature in (*entries.OPEN, *entries.INNER):
        script(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for signature in entries.OPEN:
        script(f"GRANT EXECUTE ON FUNCTION {signature} TO loctician_auth")


def downgrade() -> None:
    for signature in (*entries.OPEN, *entries.INNER):
        script(f"DROP FUNCTION {signature}")
    for statement in logins.FUNCTIONS.split("CREATE FUNCTION "):
        if statement.startswith(tuple(f"auth.{name}(" for name in EARLIER)):
            script(f"CREATE OR REPLACE FUNCTION {statement}")
    script(AS_OWNER)
    replan_emit("auth")
