"""Two installations on one PostgreSQL server, and tests beside them: none touches the roles of another."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from cli.services import SCHEMAS
from keys.logins import with_login
from migrations.migrate import NotMigratedError, migrate
from provisioning.postgres import RIGHTS, binaries
from provisioning.state import digest
from shared.settings import Settings, runtime_url
from shared.testing.servers import Servers, with_database
from tests.backup.instance import Instance, initialized, started

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "gateway")
PREFIXES = ("loctician", "salon_2")
TABLES = {"auth": "auth.job_runs", "gateway": "gateway.rate_limits"}
HASHES = "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="needs PostgreSQL's own programs"),
]


class Installation:
    """Of one prefix, with a database, an owner and a SECRET_KEY of its own."""

    def __init__(self, prefix: str, owner_url: str, patch: pytest.MonkeyPatch) -> None:
        self.prefix, self.owner_url, self._patch = prefix, owner_url, patch
        values = {"environment": "test", "amqp_url": "amqp://127.0.0.1", "secret_key": prefix * 8}
        self.settings = Settings.model_validate(values | {"database_url": owner_url})

    async def migrate(self) -> None:
        self._patch.setenv("DATABASE_ROLE_PREFIX", self.prefix)
        for service in SERVICES:
            await migrate(service, self.settings)

    def login(self, service: str) -> str:
        self._patch.setenv("DATABASE_ROLE_PREFIX", self.prefix)
        return runtime_url(self.settings, service)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with tempfile.TemporaryDirectory(prefix="loctician-shared-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # the server runs as a user of its own
        with started(initialized(Path(name) / "server")) as instance:
            yield instance


@pytest.fixture(scope="module")
async def two(instance: Instance) -> AsyncIterator[list[Installation]]:
    second = PREFIXES[1]
    instance.run("psql", "-d", "postgres", "-c", f"CREATE ROLE {second} LOGIN PASSWORD 'of the second owner'")
    instance.run("psql", "-d", "postgres", "-c", f"CREATE DATABASE {second} OWNER {second}")
    instance.run("psql", "-d", second, "-f", RIGHTS)
    url = with_login(with_database(instance.owner_url, second), second, "of the second owner")
    with pytest.MonkeyPatch.context() as patch:
        both = [
            Installation(prefix, url, patch) for prefix, url in zip(PREFIXES, (instance.owner_url, url), strict=True)
        ]
        for installation in both:
            await installation.migrate()
        yield both


async def as_superuser(instance: Instance, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(with_database(instance.superuser_url, "postgres"), timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def refusal(url: str) -> str | None:
    """Why a login is refused, None where it is not."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (asyncpg.InvalidPasswordError, asyncpg.InsufficientPrivilegeError) as error:
        return type(error).__name__
    await connection.close()
    return None


class TestTwoInstallations:
    @pytest.mark.parametrize("service", SERVICES)
    async def test_each_works_with_its_own_role(self, two: list[Installation], service: str) -> None:
        for installation in two:
            connection = await asyncpg.connect(installation.login(service), timeout=10)
            assert await connection.fetchval("SELECT current_user") == f"{installation.prefix}_{service}"
            assert await connection.fetchval(f"SELECT count(*) FROM {TABLES[service]}") == 0
            await connection.close()

    @pytest.mark.parametrize("service", SERVICES)
    async def test_no_login_of_one_opens_the_database_of_the_other(self, two: list[Installation], service: str) -> None:
        for own, other in (two, two[::-1]):
            database = urlsplit(other.owner_url).path[1:]
            for login in (own.owner_url, own.login(service)):
                assert await refusal(with_database(login, database)) == "InsufficientPrivilegeError"

    @pytest.mark.parametrize("service", SERVICES)
    async def test_no_password_of_one_is_that_of_the_other(self, two: list[Installation], service: str) -> None:
        for own, other in (two, two[::-1]):
            password = urlsplit(own.login(service)).password or ""
            login = with_login(other.login(service), f"{other.prefix}_{service}", password)
            assert await refusal(login) == "InvalidPasswordError"
            assert await refusal(other.login(service)) is None

    async def test_no_owner_sets_a_password_of_the_other(self, instance: Instance, two: list[Installation]) -> None:
        before = await as_superuser(instance, HASHES)
        for own, other in (two, two[::-1]):
            connection = await asyncpg.connect(own.owner_url, timeout=10)
            for statement in (
                f"SELECT service_roles.ensure('{other.prefix}_auth', 'x')",
                f"SELECT service_roles.ensure('{other.prefix}', 'x')",
                f"ALTER ROLE {other.prefix}_auth PASSWORD 'x'",
                f"GRANT {other.prefix}_auth TO CURRENT_USER",
                f"SET ROLE {other.prefix}_auth",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            await connection.close()
        assert await as_superuser(instance, HASHES) == before

    async def test_a_migration_of_one_changes_no_role_of_the_other(
        self, instance: Instance, two: list[Installation]
    ) -> None:
        before = dict(await as_superuser(instance, HASHES))
        await two[1].migrate()
        after = dict(await as_superuser(instance, HASHES))
        assert {name for name in before if before[name] != after[name]} == {f"{PREFIXES[1]}_{s}" for s in SERVICES}

    async def test_another_prefix_than_that_of_the_schema_is_refused_and_changes_nothing(
        self, instance: Instance, two: list[Installation]
    ) -> None:
        before = await as_superuser(instance, HASHES)
        mistaken = Installation(PREFIXES[1], two[0].owner_url, two[0]._patch)
        with pytest.raises(NotMigratedError, match=r"DATABASE_ROLE_PREFIX=loctician, or rename it .*ALTER ROLE"):
            await mistaken.migrate()
        assert await as_superuser(instance, HASHES) == before


def test_no_revision_names_a_role_without_its_prefix() -> None:
    """SQL files may: the migration replaces the name. Revisions use grant(), or runtime_role()."""
    role = re.compile(rf"\bloctician_({'|'.join(SCHEMAS)})\b")
    files = [path for home in ("services/*", "gateway") for path in ROOT.glob(f"{home}/migrations/**/*.*")]
    sources = [path for path in files if path.suffix in (".py", ".sql")]
    assert len(sources) > len(SCHEMAS)
    assert [path.name for path in sources if role.search(path.read_text())] == []


class TestTestsOnAServerInUse:
    async def test_leave_every_password_as_it_is(
        self, instance: Instance, two: list[Installation], servers: Servers
    ) -> None:
        """As the superuser, whom nothing else would stop, with the prefix of the installation in the environment."""
        before = await as_superuser(instance, HASHES)
        given = {"DATABASE_URL": instance.superuser_url, "AMQP_URL": servers.amqp_url, "CI": "true"}
        environment = os.environ | given | {"DATABASE_ROLE_PREFIX": PREFIXES[0]}
        if servers.management_url:
            environment["AMQP_MANAGEMENT_URL"] = servers.management_url
        tests = "gateway/tests/test_tickets.py::TestDatabase"
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        after = await as_superuser(instance, HASHES)
        assert set(before) <= set(after)
        assert {name for name, _ in after} - {name for name, _ in before} == {f"test_{digest(ROOT)}_gateway"}
