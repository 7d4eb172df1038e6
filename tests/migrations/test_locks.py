"""No migration holds up the platform, or takes away what the version before still uses."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from cli.services import SCHEMAS
from migrations.migrate import migrate, revisions
from shared.settings import Settings
from shared.testing.servers import Servers, as_owner, settings_for, with_database
from tests.migrations.statements import dangers, recorded

HARMLESS = """
    CREATE TABLE booking.rooms (id uuid PRIMARY KEY, name text NOT NULL); -- it; is new
    CREATE INDEX rooms_by_name ON booking.rooms (name);
    ALTER TABLE booking.rooms ADD CONSTRAINT named CHECK (name <> ''), ALTER COLUMN name TYPE varchar;
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_day ON booking.bookings (starts_at);
    ALTER TABLE booking.bookings ADD COLUMN room uuid, ADD COLUMN seats integer NOT NULL DEFAULT 1;
    ALTER TABLE booking.bookings ADD CONSTRAINT fits CHECK (seats > 0) NOT VALID;
    ALTER TABLE booking.bookings VALIDATE CONSTRAINT paid; ALTER TABLE booking.bookings DROP CONSTRAINT old;
    DROP FUNCTION booking.book(uuid); CREATE FUNCTION booking.book(uuid, text DEFAULT '') RETURNS void LANGUAGE sql
    AS $body$ DELETE FROM booking.holds; LOCK TABLE booking.holds $body$;
    UPDATE booking.salon SET seats = 1 WHERE seats IS NULL;
    COMMENT ON TABLE booking.rooms IS 'DROP TABLE booking.bookings; it''s only a text';
"""
DANGEROUS = [
    "CREATE INDEX by_day ON booking.bookings (starts_at)",
    "create unique index on only booking.bookings using gist (during)",
    "ALTER TABLE booking.bookings ADD COLUMN seats integer NOT NULL",
    "ALTER TABLE booking.bookings ADD note text, ADD seats integer NOT NULL",
    "ALTER TABLE booking.bookings ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE booking.bookings ADD COLUMN day date GENERATED ALWAYS AS (starts_at::date) STORED",
    "ALTER TABLE booking.bookings ADD COLUMN seats integer CHECK (seats > 0)",
    "ALTER TABLE booking.bookings ALTER COLUMN notes TYPE varchar(500)",
    "ALTER TABLE booking.bookings ALTER notes SET DATA TYPE varchar(500)",
    "ALTER TABLE booking.bookings ALTER COLUMN notes SET NOT NULL",
    "ALTER TABLE booking.bookings ADD CONSTRAINT fits CHECK (seats > 0)",
    "ALTER TABLE booking.bookings ADD FOREIGN KEY (customer_id) REFERENCES booking.customers",
    "ALTER TABLE booking.bookings ADD CONSTRAINT once UNIQUE (customer_id)",
    "ALTER TABLE IF EXISTS booking.bookings DROP COLUMN notes",
    "ALTER TABLE booking.bookings RENAME COLUMN notes TO remarks",
    "ALTER TABLE booking.bookings RENAME TO appointments",
    "DROP TABLE booking.holds",
    "DROP FUNCTION IF EXISTS booking.cancel(uuid)",
    "UPDATE booking.bookings SET notes = ''",
    "DELETE FROM booking.holds",
    "LOCK TABLE booking.bookings",
    "TRUNCATE booking.holds",
    "DO $$ BEGIN ALTER TABLE booking.bookings DROP COLUMN notes; END $$",
]


class TestDangers:
    def test_what_is_new_or_brief_is_let_through(self) -> None:
        assert dangers([HARMLESS]) == []

    @pytest.mark.parametrize("statement", DANGEROUS)
    def test_a_dangerous_form_is_found_wherever_it_stands(self, statement: str) -> None:
        assert len(dangers([HARMLESS, f"SELECT 1; {statement}; SELECT 2"])) == 1

    def test_who_knows_why_it_is_safe_says_so_within_the_statement(self) -> None:
        statement = "ALTER TABLE booking.bookings DROP COLUMN notes"
        assert dangers([f"{statement} -- safe: nobody reads it since 0004"]) == []
        assert dangers([f"{statement} -- safe: yes"]) != []
        assert dangers([f"SELECT 1 -- safe: nobody reads it since 0004\n; {statement}"]) != []


@pytest.fixture
async def settings(servers: Servers) -> AsyncIterator[Settings]:
    name = f"test_locks_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    yield settings_for(servers, with_database(servers.database_url, name))
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


class TestMigrations:
    async def test_what_a_migration_runs_is_recorded(self, settings: Settings) -> None:
        with recorded() as statements:
            await migrate("booking", settings, revisions("booking")[0])
        assert any("CREATE TABLE booking.outbox" in sent for sent in statements), "what goes past the engine"
        assert any("CREATE TABLE booking.bookings" in sent for sent in statements)

    @pytest.mark.parametrize("schema", [schema for schema in SCHEMAS if len(revisions(schema)) > 1])
    async def test_every_change_since_the_first_runs_beside_the_version_before(
        self, schema: str, settings: Settings
    ) -> None:
        first, *later = revisions(schema)
        await migrate(schema, settings, first)
        for revision in later:
            with recorded() as statements:
                await migrate(schema, settings, revision)
            assert dangers(statements) == [], revision
