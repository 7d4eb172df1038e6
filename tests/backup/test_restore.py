"""A restore brings back the whole platform as it was: rows, rights, policies, and an audit that proves itself."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.services import SCHEMAS
from provisioning.postgres import binaries
from services.gdpr.audit import hash_chain
from shared.settings import runtime_role, runtime_url
from shared.testing.waiting import until
from tests.backup.instance import Instance, copied, folder_for_server, initialized, started
from tests.backup.salon import Json, audited, consume, open_salon, outbox, owner, photographed, settings

RECOVERY_SECONDS = 60.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="needs PostgreSQL's own programs"),
]


@dataclass
class Before:
    """What was there at the instant to which we restore."""

    instance: Instance
    archive: Path
    backup: Path
    dump: Path
    instant: str
    photograph: Any
    audit: hash_chain.Verification
    sent: list[Json]
    handled: list[Json]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loctician-backup-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # the servers run as a user of their own
        yield Path(name)


@pytest.fixture(scope="module")
async def before(folder: Path) -> AsyncIterator[Before]:
    """One life of a salon: a base backup, work, the instant we shall want back, and then a mishap."""
    archive, backups = folder_for_server(folder / "archive"), folder_for_server(folder / "backups")
    with ExitStack() as servers:
        instance = await asyncio.to_thread(servers.enter_context, started(initialized(folder / "first")))
        instance.run("psql", "-d", "postgres", "-c", "ALTER SYSTEM SET archive_mode = on")
        command = f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'"
        instance.run("psql", "-d", "postgres", "-c", command)
        servers.close()
        instance = await asyncio.to_thread(servers.enter_context, started(folder / "first"))
        await asyncio.to_thread(open_salon, instance.owner_url)
        connection = await owner(instance.owner_url)
        first = await outbox(connection, "booking")
        await consume(instance.owner_url, "gdpr", first[:5])
        instance.run("pg_basebackup", "-D", backups / "base", "--checkpoint=fast")

        await consume(instance.owner_url, "gdpr", first[5:])
        handled = first[:3]
        await consume(instance.owner_url, "calendar", handled)
        photograph, audit = await photographed(instance.owner_url), await audited(instance.owner_url)
        assert audit.broken is None
        dump = backups / "dump"
        instance.run("pg_dump", "-N", "service_roles", "-d", "loctician", "-Fc", "-f", dump)
        instant = str(await connection.fetchval("SELECT clock_timestamp()"))

        await consume(instance.owner_url, "calendar", first[3:])
        await connection.execute("DELETE FROM booking.outbox")
        await connection.execute("DROP TABLE booking.occupancy CASCADE")
        await connection.close()
        instance.run("psql", "-d", "postgres", "-c", "SELECT pg_switch_wal()")
        yield Before(instance, archive, backups / "base", dump, instant, photograph, audit, first, handled)


async def restored_to_the_instant(before: Before, folder: Path) -> Path:
    home = copied(before.instance, before.backup, folder)
    with (home / "postgres" / "postgresql.auto.conf").open("a") as configuration:
        configuration.write(
            f"archive_mode = off\nrestore_command = 'cp {before.archive}/%f %p'\n"
            f"recovery_target_time = '{before.instant}'\nrecovery_target_action = promote\n"
        )
    (home / "postgres" / "recovery.signal").touch()
    return home


async def until_recovered(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    await until(partial(_recovered, connection), RECOVERY_SECONDS)
    await connection.close()


async def _recovered(connection: asyncpg.Connection) -> bool:
    return not await connection.fetchval("SELECT pg_is_in_recovery()")


async def assert_whole(before: Before, url: str) -> None:
    rows, definitions = await photographed(url)
    for schema in SCHEMAS:
        assert rows[schema] == before.photograph[0][schema], schema
        assert definitions[schema] == before.photograph[1][schema], schema
    await assert_roles_are_bound(url)
    assert await audited(url) == before.audit, "whole, and it ends where it ended then"


async def assert_roles_are_bound(url: str) -> None:
    """Each service logs in with its own password, reaches its own schema and no row without a claim."""
    for schema in SCHEMAS:
        connection = await asyncpg.connect(runtime_url(settings(url), schema), timeout=10)
        assert await connection.fetchval("SELECT current_user") == runtime_role(schema)
        flags = (
            "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert await connection.fetchval(flags) is False
        other = "gdpr" if schema == "auth" else "auth"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM {other}.outbox")
        if schema == "auth":
            assert await connection.fetchval("SELECT count(*) FROM auth.users") == 0
            await connection.execute(
                "SELECT set_config('request.jwt.claims', $1, false)", json.dumps({"role": "service"})
            )
            assert await connection.fetchval("SELECT count(*) FROM auth.users") == 7
        await connection.close()


class TestRestore:
    async def test_a_dump_brings_roles_grants_policies_and_rows_into_an_empty_server(
        self, before: Before, folder: Path
    ) -> None:
        roles = before.instance.run("pg_dumpall", "--roles-only")
        with started(initialized(folder / "second")) as instance:
            script = folder / "roles.sql"
            # the empty server has its own superuser and owner already
            script.write_text("\n".join(line for line in roles.splitlines() if "loctician_" in line))
            script.chmod(0o644)
            instance.run("psql", "-v", "ON_ERROR_STOP=1", "-q", "-d", "postgres", "-f", script)
            instance.run("pg_restore", "--exit-on-error", "-d", "loctician", before.dump)
            await assert_whole(before, instance.owner_url)

    async def test_the_owner_cannot_dump_rows_that_policies_hide(self, before: Before) -> None:
        """Rather than leave rows out in silence: who backs up must be a superuser, or have BYPASSRLS."""
        with pytest.raises(AssertionError, match="row-level security"):
            before.instance.run("pg_dump", "-Fc", "-f", "/dev/null", before.instance.owner_url)

    async def test_a_base_backup_and_the_archive_restore_an_exact_instant(self, before: Before, folder: Path) -> None:
        home = await restored_to_the_instant(before, folder / "third")
        with started(home) as instance:
            await until_recovered(instance.owner_url)
            await assert_whole(before, instance.owner_url)
            await self.assert_events_have_their_effect_once(before, instance)

    async def assert_events_have_their_effect_once(self, before: Before, instance: Instance) -> None:
        """What stood in the outbox is sent again under the ids it had: who handled it before passes over it, who
        handled it after that instant has forgotten so, and handles it."""
        connection = await owner(instance.owner_url)
        again = await outbox(connection, "booking")
        await connection.close()
        assert [event["id"] for event in again] == [event["id"] for event in before.sent]
        new = await consume(instance.owner_url, "calendar", again)
        known = {event["id"] for event in before.handled}
        assert new == [event["id"] not in known for event in again]
        assert set(await consume(instance.owner_url, "gdpr", again)) == {False}
