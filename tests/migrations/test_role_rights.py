"""What a stolen login of a service or of the owner can do on the server: attacks with the real logins."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from migrations.migrate import migrate
from provisioning.postgres import RIGHTS, binaries
from shared.settings import Settings, runtime_url
from shared.testing.servers import SECRET_KEY, with_database
from tests.backup.instance import Instance, initialized, started

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "gateway")
LARGE_OBJECTS = (
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'kept outside every schema')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_get(1)",
    "SELECT lo_open(1, 131072)",
    "SELECT lo_unlink(1)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT loread(0, 1)",
    "SELECT lowrite(0, 'x')",
)
SUPERUSERS_POWERS = (
    "GRANT pg_execute_server_program TO loctician",
    "GRANT pg_read_server_files TO loctician",
    "GRANT pg_write_server_files TO loctician",
    "GRANT pg_read_all_data TO loctician",
    "GRANT pg_signal_backend TO loctician",
    "GRANT postgres TO loctician",
    "CREATE ROLE helper LOGIN SUPERUSER",
    "CREATE ROLE helper LOGIN IN ROLE pg_execute_server_program",
    "CREATE ROLE helper LOGIN CREATEROLE",
    "CREATE DATABASE another",
    "ALTER ROLE loctician CREATEROLE",
    "ALTER ROLE postgres PASSWORD 'x'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "SELECT pg_read_file('/etc/passwd')",
    "CREATE FUNCTION public.run(text) RETURNS integer LANGUAGE c AS 'libc.so.6', 'system'",
    "ALTER SYSTEM SET archive_command = 'true'",
    "SELECT service_roles.ensure('postgres', 'x')",
    "SELECT service_roles.ensure('loctician', 'x')",
    "SELECT service_roles.ensure('loctician_auth SUPERUSER', 'x')",
    "SELECT service_roles.ensure('pg_execute_server_program', 'x')",
    "CREATE OR REPLACE FUNCTION service_roles.ensure(role text, password text) RETURNS void LANGUAGE sql AS ''",
    "CREATE FUNCTION service_roles.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="needs PostgreSQL's own programs"),
]


ATTRIBUTES = (
    "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
    " WHERE rolname = current_user"
)
SETTINGS = {"environment": "test", "amqp_url": "amqp://127.0.0.1", "secret_key": SECRET_KEY}


@contextmanager
def new_server() -> Iterator[Instance]:
    with tempfile.TemporaryDirectory(prefix="loctician-rights-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # the server runs as a user of its own
        with started(initialized(Path(name) / "server")) as instance:
            yield instance


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with new_server() as instance:
        yield instance


@pytest.fixture(scope="module")
async def settings(instance: Instance) -> Settings:
    settings = Settings.model_validate(SETTINGS | {"database_url": instance.owner_url})
    for service in SERVICES:
        await migrate(service, settings)
        await migrate(service, settings)  # a second run finds everything made
    return settings


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Any]:
    """A connection with the login of a service."""
    connection = await asyncpg.connect(runtime_url(settings, request.param), timeout=10, command_timeout=30)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(settings.database_url, timeout=10, command_timeout=30)
    yield connection
    await connection.close()


async def as_superuser(instance: Instance, *statements: str) -> None:
    connection = await asyncpg.connect(with_database(instance.superuser_url, "postgres"), timeout=10)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def refused(connection: Any, statement: str) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await transaction.rollback()
    return False


class TestCompose:
    async def test_its_script_sets_the_same_rights(self) -> None:
        """On a server that has no owner yet, as the image of PostgreSQL runs it."""
        script = (ROOT / "deploy" / "postgres" / "owner.sh").read_text()
        script = script.replace("/etc/loctician/rights.sql", str(RIGHTS))
        with new_server() as instance:
            (instance.folder / "password").write_text("secret")
            for secret in ("owner_password", "monitor_password"):
                script = script.replace(f"/run/secrets/{secret}", str(instance.folder / "password"))
            await as_superuser(instance, "DROP DATABASE loctician", "DROP OWNED BY loctician", "DROP ROLE loctician")
            instance.run("/bin/sh", "-c", script)
            url = instance.owner_url.replace(urlsplit(instance.owner_url).password or "", "secret")
            settings = Settings.model_validate(SETTINGS | {"database_url": url})
            await migrate("auth", settings)
            owner = await asyncpg.connect(url, timeout=10)
            assert set((await owner.fetchrow(ATTRIBUTES)).values()) == {False}
            await owner.close()
            login = runtime_url(settings, "auth")
            for database in ("postgres", "template1"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
                    await asyncpg.connect(with_database(login, database), timeout=10)
            connection = await asyncpg.connect(login, timeout=10)
            assert await refused(connection, "SELECT lo_create(0)")
            await connection.close()


class TestService:
    @pytest.mark.parametrize("name", SERVICES)
    async def test_connects_to_no_other_database(self, instance: Instance, settings: Settings, name: str) -> None:
        for database in ("postgres", "template1"):
            url = with_database(runtime_url(settings, name), database)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
                await asyncpg.connect(url, timeout=10)

    async def test_has_no_large_objects(self, service: Any) -> None:
        assert [statement for statement in LARGE_OBJECTS if not await refused(service, statement)] == []

    async def test_has_no_temporary_tables(self, service: Any) -> None:
        for statement in (
            "CREATE TEMPORARY TABLE mine (id integer)",
            "CREATE TABLE pg_temp.mine (id integer)",
            "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "CREATE SCHEMA mine",
            "CREATE TABLE public.mine (id integer)",
        ):
            assert await refused(service, statement), statement

    async def test_has_no_power_of_the_owner(self, service: Any) -> None:
        for statement in (
            "SELECT service_roles.ensure('loctician_booking', 'x')",
            "ALTER ROLE loctician_auth CREATEROLE",
            "SET ROLE loctician",
            "GRANT loctician TO current_user",
            "CREATE EXTENSION dblink",
        ):
            assert await refused(service, statement), statement


class TestOwner:
    @pytest.mark.parametrize("statement", SUPERUSERS_POWERS)
    async def test_is_no_superuser_in_all_but_name(self, owner: Any, statement: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)

    async def test_is_a_member_of_no_other_role(self, owner: Any) -> None:
        attributes = await owner.fetchrow(ATTRIBUTES)
        assert set(attributes.values()) == {False}
        member = (
            "SELECT rolname FROM pg_roles WHERE rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')"
        )
        # The owner of a database is a member of this role in it, and gets nothing by it elsewhere.
        assert [row[0] for row in await owner.fetch(member)] == ["pg_database_owner"]

    async def test_sets_the_passwords_of_the_services_alone(self, owner: Any, settings: Settings) -> None:
        await owner.execute("SELECT service_roles.ensure('loctician_gdpr', 'it''s new')")
        parts = urlsplit(settings.database_url)
        login = urlunsplit(parts._replace(netloc=f"loctician_gdpr:it%27s%20new@{parts.hostname}:{parts.port}"))
        await owner.execute("GRANT CONNECT ON DATABASE loctician TO loctician_gdpr")
        connection = await asyncpg.connect(login, timeout=10)
        attributes = await connection.fetchrow(ATTRIBUTES)
        await connection.close()
        assert set(attributes.values()) == {False}
