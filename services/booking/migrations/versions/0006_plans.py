"""What each booking calls keeps its plan, and the key of a call is found without reading those of all others.

Revision ID: 0006
"""

from pathlib import Path

from shared.migrations import restore_functions, script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"
EARLIER = {
    "0001_rules": ("uuids",),
    "0001_book": ("distinct_in_order",),
    "0001_free_time": ("grid",),
    "0001_reasons": ("own_times",),
    "0001_holds": ("clear_lapsed",),
    "0001_records": ("keep_answer",),
}
EMIT = """
        CREATE OR REPLACE FUNCTION booking.emit(event_id uuid, type text, subject text, version integer, data jsonb)
        RETURNS void LANGUAGE sql VOLATILE AS $$
            INSERT INTO booking.outbox
                (event_id, type, subject, version, occurred_at, data, actor_id, actor_role, request_id, traceparent)
            SELECT $1, $2, $3, $4, clock_timestamp(), $5, c ->> 'actor_id', c ->> 'actor_role', c ->> 'request_id',
                   c ->> 'traceparent'
            FROM (SELECT booking.claims() AS c) AS claims
        $$;
"""


def upgrade() -> None:
    script((SQL / "0006_plans.sql").read_text())


def downgrade() -> None:
    for part, functions in EARLIER.items():
        restore_functions(SQL / f"{part}.sql", "booking", *functions)
    script(EMIT)
