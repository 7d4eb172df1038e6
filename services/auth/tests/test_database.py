"""What the runtime role may do in the database, tried by connecting as it."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.auth.retention import POLICIES
from services.auth.tests.conftest import EMAIL, AsOwner, Register, SignUp
from shared.database.session import Database, transaction
from shared.identity.principals import Claims
from shared.settings import runtime_role

ROLE = runtime_role("auth")

CLOSED = (
    "credentials",
    "sessions",
    "refresh_tokens",
    "one_time_tokens",
    "mfa",
    "recovery_codes",
    "login_attempts",
    "known_addresses",
    "email_changes",
    "user_search",
    "passkeys",
    "used_challenges",
)
GRANTED = {
    "begin_login",
    "record_failure",
    "open_session",
    "log_in",
    "rotate",
    "refresh",
    "revoke_sessions",
    "list_sessions",
    "session_age",
    "session_of",
    "begin_password_change",
    "change_password",
    "issue_token",
    "sign_token",
    "read_token",
    "try_code",
    "prove_address",
    "sign_email_change",
    "read_email_change",
    "password_hashes",
    "replace_password_hash",
    "account",
    "add_signing_key",
    "withdraw_signing_keys",
    "reset_password",
    "request_email_change",
    "confirm_email_change",
    "end_email_changes",
    "search_users",
    "add_passkey",
    "list_passkeys",
    "find_passkey",
    "rename_passkey",
    "remove_passkey",
    "open_passkey_session",
    "mark_second_factor",
    "is_locked",
    "clear_failures",
    "enroll_mfa",
    "mfa_secret",
    "confirm_mfa",
    "disable_mfa",
    "register",
    "export_secrets",
    "erase_secrets",
    "remove_mfa",
    "reseal_mfa",
    *(f"{verb}_{policy.name}" for policy in POLICIES for verb in ("due", "remove")),
}
INTERNAL = {
    "_new_id",
    "search_form",
    "search_form_danish",
    "search_words",
    "containing",
    "learn_user",
    "_lock_duration",
    "_count_failures",
    "_locked",
    "_remember_address",
    "_is_new_device",
    "_use_challenge",
    "_use_code",
    "_use_token",
    "_mark_verified",
    "_reset_account",
    "_emit_as",
    "_record_failed_login",
}


async def refused(database: Database, statement: str, match: str, claims: Claims | None = None) -> None:
    with pytest.raises(DBAPIError, match=match):
        async with transaction(database, claims or Claims(role="service")) as session:
            await session.execute(text(statement))


class TestSecrets:
    @pytest.mark.parametrize("table", CLOSED)
    async def test_runtime_role_has_no_privilege_on_their_tables(self, database: Database, table: str) -> None:
        for statement in (
            f"SELECT * FROM auth.{table}",
            f"SELECT count(*) FROM auth.{table}",
            f"INSERT INTO auth.{table} DEFAULT VALUES",
            f"DELETE FROM auth.{table}",
            f"TRUNCATE auth.{table}",
            f"COPY auth.{table} TO STDOUT",
            f"LOCK TABLE auth.{table}",
        ):
            await refused(database, statement, "permission denied")
        every = "SELECT has_any_column_privilege(:table, 'SELECT, INSERT, UPDATE, REFERENCES')"
        assert (await database.call(text(every), {"table": f"auth.{table}"}))[0][0] is False

    @pytest.mark.parametrize("table", [*CLOSED, "users", "signing_keys"])
    async def test_runtime_role_cannot_change_the_policies(self, database: Database, table: str) -> None:
        for statement in (
            f"ALTER TABLE auth.{table} DISABLE ROW LEVEL SECURITY",
            f"ALTER TABLE auth.{table} NO FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY mine ON auth.{table} USING (true)",
            f"ALTER TABLE auth.{table} OWNER TO {ROLE}",
            f"CREATE TRIGGER mine BEFORE INSERT ON auth.{table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ):
            await refused(database, statement, "must be owner|permission denied")

    async def test_every_table_with_personal_data_has_forced_policies(self, as_owner: AsOwner) -> None:
        rows = await as_owner(
            "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
            " WHERE relnamespace = 'auth'::regnamespace AND relkind = 'r'".replace("::", r"\:\:")
        )
        assert {row.relname for row in rows if not row.forced} == {
            *("inbox", "alembic_version", "sql_files", "job_runs", "retention_runs")
        }

    async def test_role_with_a_mistaken_privilege_reads_no_row(self, owner: AsyncEngine, register: Register) -> None:
        await register()
        reader = f"reader_{uuid4().hex[:8]}"
        tables = ("users", "credentials", "sessions", "signing_keys")
        async with owner.connect() as connection:
            for statement in (
                f"CREATE ROLE {reader} NOLOGIN",
                f"GRANT {reader} TO CURRENT_USER",
                f"GRANT USAGE ON SCHEMA auth TO {reader}",
                *(f"GRANT SELECT ON auth.{table} TO {reader}" for table in tables),
                f"SET LOCAL ROLE {reader}",
            ):
                await connection.execute(text(statement))
            for table in tables:
                assert (await connection.execute(text(f"SELECT * FROM auth.{table}"))).all() == []
            await connection.rollback()  # and with it the role

    async def test_runtime_role_cannot_become_another_role(self, database: Database, as_owner: AsOwner) -> None:
        ((owner,),) = await as_owner("SELECT current_user")
        for role in (owner, "postgres", runtime_role("booking"), "pg_read_all_data"):
            await refused(database, f'SET ROLE "{role}"', "permission denied|does not exist")
            await refused(database, f'SET SESSION AUTHORIZATION "{role}"', "permission denied|does not exist")
        await refused(database, "SET SESSION AUTHORIZATION DEFAULT; SELECT 1", "cannot insert multiple")
        for option in ("SUPERUSER", "BYPASSRLS", "CREATEROLE"):
            await refused(database, f"ALTER ROLE {ROLE} {option}", "permission denied|must be superuser")

    async def test_row_security_off_raises_an_error(self, database: Database, register: Register) -> None:
        await register()
        async with transaction(database, Claims(role="anonymous")) as session:
            await session.execute(text("SET LOCAL row_security = off"))
            with pytest.raises(DBAPIError, match="row-level security"):
                await session.execute(text("SELECT * FROM auth.users"))
            await session.rollback()

    async def test_other_schemas_are_closed(self, database: Database, as_owner: AsOwner) -> None:
        for schema in ("booking", "calendar", "gdpr", "notifications"):
            await as_owner(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            await as_owner(f"CREATE TABLE IF NOT EXISTS {schema}.anything (id integer)")
            try:
                await refused(database, f"SELECT * FROM {schema}.anything", "permission denied")
            finally:
                await as_owner(f"DROP SCHEMA {schema} CASCADE")
        await refused(database, "CREATE TABLE auth.mine (id integer)", "permission denied")
        await refused(database, "CREATE TABLE public.mine (id integer)", "permission denied")
        await refused(database, "SELECT * FROM pg_authid", "permission denied")


class TestFunctions:
    async def test_have_a_pinned_search_path_and_are_not_public(self, as_owner: AsOwner) -> None:
        rows = await as_owner(
            f"""
            SELECT proname, proconfig, proacl\\:\\:text AS acl, pg_get_userbyid(proowner) AS owner,
                   has_function_privilege('{ROLE}', oid, 'EXECUTE') AS granted
            FROM pg_proc WHERE pronamespace = 'auth'\\:\\:regnamespace AND prosecdef"""
        )
        assert {row.proname for row in rows if row.granted} == GRANTED
        assert {row.proname for row in rows if not row.granted} == INTERNAL
        for row in rows:
            assert row.proconfig == ["search_path=pg_catalog, pg_temp"], row.proname
            assert "{=X/" not in row.acl, row.proname
            assert ",=X/" not in row.acl, row.proname
            assert row.owner != ROLE

    async def test_only_begin_login_returns_a_password_hash(self, database: Database, register: Register) -> None:
        await register()
        exported = await database.call(
            text("SELECT auth.export_secrets(u.id) FROM (SELECT CAST(:id AS uuid) AS id) u"), {"id": uuid4()}
        )
        assert "argon2" not in str(exported)

    async def test_hostile_search_path_has_no_effect(
        self, database: Database, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        # The role may not make temporary tables; should a database still let it, they must not matter.
        name = (await as_owner("SELECT current_database()"))[0][0]
        await as_owner(f"GRANT TEMPORARY ON DATABASE {name} TO {ROLE}")
        try:
            await self.attack_by_search_path(database)
        finally:
            await as_owner(f"REVOKE TEMPORARY ON DATABASE {name} FROM {ROLE}")

    async def attack_by_search_path(self, database: Database) -> None:
        async with transaction(database, Claims(role="service")) as session:
            # What a function would call or read without a pinned search path.
            await session.execute(text("CREATE TEMP TABLE users (id uuid, email text, active boolean)"))
            await session.execute(text(f"INSERT INTO pg_temp.users VALUES ('{uuid4()}', '{EMAIL}', true)"))
            await session.execute(
                text(
                    "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS"
                    " $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$"
                )
            )
            await session.execute(text("SET LOCAL search_path = pg_temp, auth, pg_catalog"))
            rows = await session.execute(
                text("SELECT user_id, password_hash FROM auth.begin_login(:email, '', '', '')"), {"email": EMAIL}
            )
            assert rows.one().password_hash

    async def test_cannot_be_replaced(self, database: Database) -> None:
        body = "RETURNS boolean LANGUAGE sql AS $$ SELECT true $$"
        await refused(database, f"CREATE OR REPLACE FUNCTION auth.read_token(bytea) {body}", "permission denied")
        await refused(database, "ALTER FUNCTION auth.read_token(bytea) RESET search_path", "must be owner")
        await refused(database, "SELECT auth._use_token('', 'reset', '')", "permission denied")


class TestRows:
    async def test_roles_see_the_rows_that_their_claims_allow(self, database: Database, register: Register) -> None:
        await register()
        await register("oskar@example.com")
        every = text("SELECT id, email FROM auth.users ORDER BY email")
        async with transaction(database, Claims(role="service")) as session:
            kirsten, oskar = (await session.execute(every)).all()
        seen = {}
        for claims in (
            Claims(role="anonymous"),
            Claims(role="customer", sub=kirsten.id),
            Claims(role="loctician", sub=oskar.id),
            Claims(role="staff", sub=oskar.id),
        ):
            async with transaction(database, claims) as session:
                seen[claims.role] = [row.email for row in await session.execute(every)]
        both = [EMAIL, "oskar@example.com"]
        assert seen == {"anonymous": [], "customer": [EMAIL], "loctician": both[1:], "staff": both}
        assert await database.call(every) == []

    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_users_cannot_change_their_own_role(self, database: Database, sign_up: SignUp, role: str) -> None:
        user_id = await sign_up("a@example.com", role)
        statement = f"UPDATE auth.users SET role = 'admin' WHERE id = '{user_id}'"
        await refused(database, statement, "row-level security", Claims(role=role, sub=user_id))

    async def test_staff_correct_customers_and_nobody_else(self, database: Database, sign_up: SignUp) -> None:
        staff = await sign_up("a@example.com", "staff")
        rename = text("UPDATE auth.users SET full_name = 'x' WHERE id = :id RETURNING id")
        for role, changed in (("customer", 1), ("loctician", 0), ("staff", 0), ("admin", 0)):
            other = await sign_up(f"{role}@example.com", role)
            async with transaction(database, Claims(role="staff", sub=staff)) as session:
                assert len((await session.execute(rename, {"id": other})).all()) == changed, role

    @pytest.mark.parametrize("change", ["email = 'x@example.com'", "active = false", "email_verified = true"])
    async def test_staff_change_nothing_by_which_a_customer_signs_in(
        self, database: Database, sign_up: SignUp, change: str
    ) -> None:
        staff = await sign_up("a@example.com", "staff")
        other = await sign_up("b@example.com", "customer")
        before = "UPDATE auth.users SET active = true, email_verified = false WHERE id = :id"
        async with transaction(database, Claims(role="service")) as session:
            await session.execute(text(before), {"id": other})
        statement = f"UPDATE auth.users SET {change} WHERE id = '{other}'"
        await refused(database, statement, "staff correct only", Claims(role="staff", sub=staff))

    async def test_staff_give_a_customer_no_other_role(self, database: Database, sign_up: SignUp) -> None:
        staff = await sign_up("a@example.com", "staff")
        other = await sign_up("b@example.com", "customer")
        for role in ("staff", "admin"):
            statement = f"UPDATE auth.users SET role = '{role}' WHERE id = '{other}'"
            await refused(database, statement, "staff correct only", Claims(role="staff", sub=staff))

    async def test_only_the_service_reads_signing_keys(self, database: Database, client: Any) -> None:
        await client.get("/.well-known/jwks.json")
        counted = {}
        for role in ("anonymous", "customer", "admin", "service"):
            async with transaction(database, Claims(role=role, sub=uuid4())) as session:
                counted[role] = len((await session.execute(text("SELECT kid FROM auth.signing_keys"))).all())
        assert counted == {"anonymous": 0, "customer": 0, "admin": 0, "service": 1}
