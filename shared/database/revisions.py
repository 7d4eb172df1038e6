"""What migrations of every service share: outbox, inbox, claims, Row Level Security, grants."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from shared.database import housekeeping
from shared.database.sql_files import run_script
from shared.settings import runtime_role


def script(sql: str) -> None:
    """Run several statements at once, in the migration's transaction; asyncpg prepares only single ones."""
    migration = op.get_context()
    if migration.as_sql:
        migration.impl.static_output(sql)
    else:
        run_script(op.get_bind(), sql)


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


def create_service_tables(schema: str) -> None:
    """The tables that every service has, with their grants; their functions and policies are in shared/database/sql."""
    script(OUTBOX.format(schema=schema))
    script(INBOX.format(schema=schema))
    script(housekeeping.CREATE.format(schema=schema))
    create_job_runs(schema)
    for table in ("outbox", "erased_subjects"):
        enable_rls(schema, table)
    for table in ("outbox", "inbox"):
        grant(schema, table, "SELECT, INSERT, DELETE")
    for table in ("erased_subjects", "retention_runs"):
        grant(schema, table, "SELECT, INSERT, UPDATE, DELETE")


def restore_functions(file: Path, schema: str, *names: str) -> None:
    """As an earlier revision's file made them: what a downgrade brings back. Blank lines part its statements."""
    for statement in file.read_text().split("\n\n"):
        if any(f"CREATE FUNCTION {schema}.{name}(" in statement for name in names):
            script(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def create_claim_functions(schema: str) -> None:
    """`claims()`, `claim_role()` and `claim_sub()`: what the transaction's caller has proven to be."""
    script(f"""
        CREATE FUNCTION {schema}.claims() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{{}}')::jsonb $$;
        CREATE FUNCTION {schema}.claim_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce({schema}.claims() ->> 'role', '') $$;
        CREATE FUNCTION {schema}.claim_sub() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT ({schema}.claims() ->> 'sub')::uuid $$;
    """)


def create_outbox(schema: str) -> None:
    """The outbox and `emit()`, its door for SQL functions. Anyone may add; only the relay reads and deletes."""
    script(f"""
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
    """)
    replan_emit(schema)
    enable_rls(schema, "outbox")
    script(f"""
        CREATE POLICY outbox_add ON {schema}.outbox FOR INSERT WITH CHECK (true);
        CREATE POLICY outbox_relay ON {schema}.outbox FOR ALL
            USING ((SELECT {schema}.claim_role()) = 'service') WITH CHECK (true);
    """)
    grant(schema, "outbox", "SELECT, INSERT, DELETE")


def replan_emit(schema: str) -> None:
    """`emit()` as every outbox begins with it: a function in SQL, which is planned at each call."""
    script(f"""
        CREATE OR REPLACE FUNCTION {schema}.emit(event_id uuid, type text, subject text, version integer, data jsonb)
        RETURNS void LANGUAGE sql VOLATILE AS $$
            INSERT INTO {schema}.outbox
                (event_id, type, subject, version, occurred_at, data, actor_id, actor_role, request_id, traceparent)
            SELECT $1, $2, $3, $4, clock_timestamp(), $5, c ->> 'actor_id', c ->> 'actor_role', c ->> 'request_id',
                   c ->> 'traceparent'
            FROM (SELECT {schema}.claims() AS c) AS claims
        $$;
    """)


def keep_plan_of_emit(schema: str) -> None:
    """`emit()` for who calls it at each turn: in PL/pgSQL, where its plan is kept."""
    script(f"""
        CREATE OR REPLACE FUNCTION {schema}.emit(event_id uuid, type text, subject text, version integer, data jsonb)
        RETURNS void LANGUAGE plpgsql VOLATILE AS $$
        #variable_conflict use_column
        DECLARE
            cause jsonb := {schema}.claims();
        BEGIN
            INSERT INTO {schema}.outbox
                (event_id, type, subject, version, occurred_at, data, actor_id, actor_role, request_id, traceparent)
            VALUES ($1, $2, $3, $4, clock_timestamp(), $5, cause ->> 'actor_id', cause ->> 'actor_role',
                cause ->> 'request_id', cause ->> 'traceparent');
        END $$;
    """)


def create_inbox(schema: str) -> None:
    """The inbox; and beside it the tables of every service's own housekeeping."""
    script(f"""
        CREATE TABLE {schema}.inbox (
            event_id uuid PRIMARY KEY,
            received_at timestamptz NOT NULL DEFAULT now()
        );
    """)
    grant(schema, "inbox", "SELECT, INSERT, DELETE")
    script(housekeeping.CREATE.format(schema=schema))
    enable_rls(schema, "erased_subjects")
    script(housekeeping.POLICIES.format(schema=schema))
    for table in ("erased_subjects", "retention_runs"):
        grant(schema, table, "SELECT, INSERT, UPDATE, DELETE")
    create_job_runs(schema)


def create_job_runs(schema: str) -> None:
    """When each scheduled job last ran: for a schema that has jobs and no inbox."""
    script(housekeeping.CREATE_JOB_RUNS.format(schema=schema))
    grant(schema, "job_runs", "SELECT, INSERT, UPDATE")


def enable_rls(schema: str, table: str) -> None:
    """Row Level Security that binds the table's owner too."""
    op.execute(f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY")


def grant(schema: str, table: str, privileges: str) -> None:
    op.execute(f"GRANT {privileges} ON {schema}.{table} TO {runtime_role(schema)}")


def create_index(schema: str, name: str, definition: str, *, unique: bool = False) -> None:
    """An index on a table in use, built beside the writes: `create_index("booking", "by_day", "bookings (starts_at)")`.

    What the migration did before is committed by this: let it hold nothing else.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    broken = text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
    with op.get_context().autocommit_block():
        # it holds up nobody while it waits for the transactions of others to end
        op.execute("SET lock_timeout = '10min'")
        if op.get_bind().execute(broken, {"name": f"{schema}.{name}"}).scalar():  # of a try that failed
            op.execute(f"DROP INDEX CONCURRENTLY {schema}.{name}")
        op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} ON {schema}.{definition}")
        op.execute("RESET lock_timeout")


def drop_index(schema: str, name: str) -> None:
    """Of a table in use. As with `create_index`, in a migration of its own."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{name}")


def backfill(statement: str) -> None:
    """Repeat a statement that fills a bounded number of rows until it finds none, each time in a transaction.

    So that it can be stopped: `UPDATE ... WHERE id IN (SELECT id ... WHERE new IS NULL LIMIT 1000)`.
    """
    with op.get_context().autocommit_block():
        while op.get_bind().exec_driver_sql(statement).rowcount:
            pass


def drop_everything(schema: str) -> None:
    """The way down from a first migration: whatever the schema holds, except alembic's own table."""
    op.execute(f"""
        DO $$ DECLARE one record; BEGIN
            FOR one IN SELECT tablename FROM pg_tables
                       WHERE schemaname = '{schema}' AND tablename <> 'alembic_version' LOOP
                EXECUTE format('DROP TABLE IF EXISTS {schema}.%I CASCADE', one.tablename);
            END LOOP;
            FOR one IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
                       WHERE pronamespace = '{schema}'::regnamespace LOOP
                EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.signature);
            END LOOP;
            FOR one IN SELECT t.oid::regtype AS name FROM pg_type t
                       WHERE typnamespace = '{schema}'::regnamespace AND typtype IN ('e', 'd') LOOP
                EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', one.name);
            END LOOP;
        END $$;
    """)
