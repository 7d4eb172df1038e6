"""What revisions of every schema use: the common tables, Row Level Security, grants, indexes, backfills."""

from alembic import op
from sqlalchemy import text

from migrations.sql_files import run_script
from shared.settings import runtime_role

# Part of every baseline: after a release, a change of these tables is a revision in each schema.
OUTBOX = """
    CREATE TABLE {schema}.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        exchange text NOT NULL DEFAULT 'loctician.events',
        event_id uuid NOT NULL UNIQUE,
        type text NOT NULL,
        subject text NOT NULL,
        version integer NOT NULL,
        occurred_at timestamptz NOT NULL DEFAULT now(),
        data jsonb NOT NULL,
        actor_id text,
        actor_role text,
        request_id text,
        traceparent text
    );
"""
INBOX = """
    CREATE TABLE {schema}.inbox (
        event_id uuid PRIMARY KEY,
        received_at timestamptz NOT NULL DEFAULT now()
    );
"""
ERASED_SUBJECTS_AND_RETENTION_RUNS = """
    CREATE TABLE {schema}.erased_subjects (
        subject_id text PRIMARY KEY,
        request_id uuid NOT NULL,
        request_version integer NOT NULL,
        erased_at timestamptz NOT NULL,
        rows jsonb NOT NULL,
        reported_at timestamptz
    );
    CREATE INDEX erased_subjects_unreported ON {schema}.erased_subjects (erased_at) WHERE reported_at IS NULL;
    CREATE TABLE {schema}.retention_runs (
        policy text PRIMARY KEY,
        run_id uuid NOT NULL,
        before timestamptz NOT NULL,
        counted bigint NOT NULL,
        removed bigint NOT NULL DEFAULT 0,
        dry_run boolean NOT NULL,
        finished_at timestamptz
    );
"""
JOB_RUNS = """
    CREATE TABLE {schema}.job_runs (
        job text PRIMARY KEY,
        every_seconds bigint NOT NULL,
        started_at timestamptz NOT NULL,
        milliseconds bigint NOT NULL,
        result text NOT NULL CHECK (result IN ('done', 'failed')),
        error text,
        done_at timestamptz,
        runs bigint NOT NULL DEFAULT 0,
        failures bigint NOT NULL DEFAULT 0
    );
"""


def script(sql: str) -> None:
    """Run several statements at once, in the revision's transaction; offline mode prints them."""
    if _offline():
        op.get_context().impl.static_output(sql)
    else:
        run_script(op.get_bind(), sql)


def create_service_tables(schema: str) -> None:
    """The tables that every service has, with their grants; their functions and policies are in migrations/sql."""
    script("".join((OUTBOX, INBOX, ERASED_SUBJECTS_AND_RETENTION_RUNS)).format(schema=schema))
    create_job_runs(schema)
    for table in ("outbox", "erased_subjects"):
        enable_rls(schema, table)
    for table in ("outbox", "inbox"):
        grant(schema, table, "SELECT, INSERT, DELETE")
    for table in ("erased_subjects", "retention_runs"):
        grant(schema, table, "SELECT, INSERT, UPDATE, DELETE")


def create_job_runs(schema: str) -> None:
    """When each scheduled job last ran: for a schema that has jobs and no inbox."""
    script(JOB_RUNS.format(schema=schema))
    grant(schema, "job_runs", "SELECT, INSERT, UPDATE")


def enable_rls(schema: str, table: str) -> None:
    """Row Level Security that binds the table's owner too."""
    op.execute(f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY")


def grant(schema: str, table: str, privileges: str) -> None:
    op.execute(f"GRANT {privileges} ON {schema}.{table} TO {runtime_role(schema)}")


def create_index(schema: str, name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index on a table in use, without blocking its writers.

    `create_index("shop", "by_day", "orders (placed_at)")`. It commits what the revision did before, so a revision
    with it holds nothing else. It waits up to 10 minutes for the transactions of others, which blocks nobody.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    broken = text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '10min'")
        # an invalid index of a try that failed
        if not _offline() and op.get_bind().execute(broken, {"name": f"{schema}.{name}"}).scalar():
            op.execute(f"DROP INDEX CONCURRENTLY {schema}.{name}")
        op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} ON {schema}.{definition}")
        op.execute("RESET lock_timeout")


def drop_index(schema: str, name: str) -> None:
    """Drop an index of a table in use. Like `create_index`, in a revision of its own."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{name}")


def backfill(statement: str) -> None:
    """Repeat a statement that fills a bounded number of rows until it changes none, each time in its own transaction.

    `UPDATE ... WHERE id IN (SELECT id ... WHERE new IS NULL LIMIT 1000)`. It can be interrupted and run again.
    Offline mode prints it once, with a comment.
    """
    with op.get_context().autocommit_block():
        if _offline():
            script(f"-- repeat until it changes no row:\n{statement};")
            return
        while op.get_bind().exec_driver_sql(statement).rowcount:
            pass


def drop_everything(schema: str) -> None:
    """The downgrade of a baseline: drop whatever the schema holds, except Alembic's own table."""
    op.execute(f"""
        DO $$ DECLARE item record; BEGIN
            FOR item IN SELECT tablename FROM pg_tables
                       WHERE schemaname = '{schema}' AND tablename <> 'alembic_version' LOOP
                EXECUTE format('DROP TABLE IF EXISTS {schema}.%I CASCADE', item.tablename);
            END LOOP;
            FOR item IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
                       WHERE pronamespace = '{schema}'::regnamespace LOOP
                EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', item.signature);
            END LOOP;
            FOR item IN SELECT t.oid::regtype AS name FROM pg_type t
                       WHERE typnamespace = '{schema}'::regnamespace AND typtype IN ('e', 'd') LOOP
                EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', item.name);
            END LOOP;
        END $$;
    """)


def _offline() -> bool:
    return bool(op.get_context().as_sql)
