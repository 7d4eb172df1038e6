"""Servers of `make up` in real containers: two folders on one engine, and a run that is killed."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from provisioning.containers import compose
from provisioning.state import digest
from shared.testing.waiting import until

ROOT = Path(__file__).parents[2]
RUN = (
    "import pathlib, sys, time; from provisioning.containers import compose\n"
    "with compose(pathlib.Path(sys.argv[1])) as servers: print(servers.database_url, flush=True); time.sleep(300)"
)


def docker(*arguments: str) -> list[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    return done.stdout.split() if done.returncode == 0 else []


def of_project(kind: str, folder: Path) -> list[str]:
    label = f"label=com.docker.compose.project=loctician-{digest(folder)}"
    return docker(*kind.split(), "--quiet", "--filter", label)


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def ask(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


pytestmark = pytest.mark.compose


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    one, two = tmp_path / "one", tmp_path / "two"
    yield one, two
    for folder in (one, two):
        docker("compose", "--project-name", f"loctician-{digest(folder)}", "down", "--volumes")


async def test_two_folders_have_servers_of_their_own_and_a_killed_run_leaves_none(folders: tuple[Path, Path]) -> None:
    one, two = folders
    with compose(one) as first:
        await ask(first.database_url, "CREATE TABLE kept (n integer)", "INSERT INTO kept VALUES (1)")
        with started(two) as run:
            assert run.stdout is not None
            second = run.stdout.readline().strip()
            assert await ask(second, "SELECT current_user") == f"loctician_{digest(two)}"
            with pytest.raises(asyncpg.UndefinedTableError):
                await ask(second, "SELECT * FROM kept")
            run.send_signal(signal.SIGKILL)
        await until(lambda: not of_project("ps --all", two) and not of_project("network ls", two), seconds=60)
        assert await ask(first.database_url, "SELECT n FROM kept") == 1
    assert of_project("ps --all", one) == []
    with compose(one) as again:
        assert again.database_url == first.database_url
        assert await ask(again.database_url, "SELECT n FROM kept") == 1
    shutil.rmtree(one)
    with pytest.raises(SystemExit) as stopped, compose(one):
        pass
    cure = str(stopped.value.code).partition("Remove them: ")[2].split()
    assert docker(*cure[1:]) == [], "it prints to standard error"
    assert of_project("volume ls", one) == []
