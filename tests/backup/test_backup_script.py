"""deploy/postgres/backup.sh dumps, restores, removes what is old, and shows what failed."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from provisioning.postgres import RIGHTS, binaries
from provisioning.processes import unprivileged
from tests.backup.instance import Instance, folder_for_server, initialized, started
from tests.backup.salon import audited, open_salon, photographed
from tests.backup.test_restore import assert_roles_are_bound

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "postgres" / "backup.sh"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(binaries() is None, reason="needs PostgreSQL's own programs")]


class Backups:
    """The script with its folders, as a container has them."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        self.instance = instance
        self.dumps, self.metrics = folder / "backups", folder / "metrics"
        for path in (self.dumps, self.metrics):
            if not path.exists():
                folder_for_server(path)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        programs, user = binaries(), unprivileged("postgres")
        assert programs is not None
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": self.instance.owner_url.rpartition(":")[2].partition("/")[0],
            "PGPASSWORD": self.instance.superuser_password,
            "BACKUPS": str(self.dumps),
            "BACKUP_METRICS": str(self.metrics),
            "BACKUP_RIGHTS": str(RIGHTS),
        }
        return subprocess.run(
            [str(SCRIPT), *arguments],
            env=environment | variables,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
        )

    def succeed(self, *arguments: str, **variables: str) -> str:
        done = self.run(*arguments, **variables)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def metric(self, name: str) -> float:
        found = re.search(rf'^{name}{{kind="dump"}} (\S+)$', (self.metrics / "backup.prom").read_text(), re.MULTILINE)
        assert found, name
        return float(found[1])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loctician-dumps-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def backups(folder: Path) -> Iterator[Backups]:
    with ExitStack() as servers:
        instance = servers.enter_context(started(initialized(folder / "first")))
        open_salon(instance.owner_url)
        yield Backups(instance, folder)


async def test_a_dump_is_restored_into_a_new_server(backups: Backups, folder: Path) -> None:
    before, audit = await photographed(backups.instance.owner_url), await audited(backups.instance.owner_url)
    backups.succeed("now")
    backups.succeed("check")
    assert backups.metric("backup_failed") == 0
    assert abs(time.time() - backups.metric("backup_last_success_timestamp_seconds")) < 300
    (name,) = backups.succeed("list").split()
    (folder / "restored").mkdir(mode=0o755)
    with started(initialized(folder / "second")) as instance:
        other = Backups(instance, folder / "restored")
        other.dumps = backups.dumps
        assert f"restored {name}" in other.succeed("restore", "newest")
        assert await photographed(instance.owner_url) == before
        assert await audited(instance.owner_url) == audit
        await assert_roles_are_bound(instance.owner_url)


async def test_a_restore_keeps_what_was_there(backups: Backups) -> None:
    backups.succeed("now")
    before = await photographed(backups.instance.owner_url)
    backups.instance.run("psql", "-d", "loctician", "-c", "DROP TABLE booking.occupancy CASCADE")
    said = backups.succeed("restore", "newest")
    kept = re.search(r"the database (loctician_before_\d+)", said)
    assert kept
    assert await photographed(backups.instance.owner_url) == before
    backups.instance.run("psql", "-d", kept[1], "-Atc", "SELECT count(*) FROM booking.bookings")


def test_a_restore_under_running_services_is_refused(backups: Backups) -> None:
    backups.succeed("now")
    command = ["psql", backups.instance.superuser_url, "-c", "SELECT pg_sleep(60)"]
    programs = binaries()
    assert programs is not None
    with subprocess.Popen([str(programs / command[0]), *command[1:]], stdout=subprocess.DEVNULL) as other:
        try:
            while (
                backups.instance.run(
                    "psql",
                    "-d",
                    "postgres",
                    "-Atc",
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'",
                ).strip()
                == "0"
            ):
                time.sleep(0.1)
            refused = backups.run("restore", "newest")
        finally:
            other.kill()
    assert refused.returncode == 1
    assert "stop the services first" in refused.stderr


def test_a_failed_backup_is_seen_and_removes_nothing(backups: Backups) -> None:
    backups.succeed("now")
    dumps = set(backups.succeed("list").split())
    last = backups.metric("backup_last_success_timestamp_seconds")
    failed = backups.run("now", PGPASSWORD="wrong")
    assert failed.returncode == 1
    assert "FAILED" in failed.stderr
    assert backups.metric("backup_failed") == 1
    assert backups.metric("backup_last_success_timestamp_seconds") == last
    assert backups.run("check").returncode == 1
    assert set(backups.succeed("list").split()) == dumps


def test_dumps_older_than_the_setting_are_removed_after_a_success(backups: Backups) -> None:
    backups.succeed("now")
    old, kept = backups.dumps / "20260101T000000Z", backups.dumps / "20260102T000000Z"
    for path, days in ((old, 8), (kept, 6)):
        folder_for_server(path)
        os.utime(path, (time.time() - days * 86_400,) * 2)
    time.sleep(1.1)  # the name of the next has its own second
    backups.run("now", BACKUP_KEEP_DAYS="7", PGPASSWORD="wrong")
    assert old.exists(), "a failed run removes nothing"
    backups.succeed("now", BACKUP_KEEP_DAYS="7")
    assert not old.exists()
    assert kept.exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("BACKUP_KEEP_DAYS", "0"), ("BACKUP_KEEP_DAYS", "all"), ("BACKUP_AT", "2"), ("BACKUP_S3_URL", "s3://bucket")],
)
def test_a_wrong_setting_is_named(backups: Backups, setting: str, value: str) -> None:
    refused = backups.run("now", **{setting: value})
    assert refused.returncode == 2
    assert setting in refused.stderr
