"""A PostgreSQL of one's own with the rights of one in use, its superuser and its programs: what an operator has."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from provisioning.postgres import binaries, postgres
from provisioning.processes import unprivileged
from provisioning.state import State

PROGRAM_SECONDS = 120


@dataclass(frozen=True)
class Instance:
    folder: Path
    owner_url: str
    superuser_password: str

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    @property
    def superuser_url(self) -> str:
        parts = urlsplit(self.owner_url)
        return urlunsplit(parts._replace(netloc=f"postgres:{self.superuser_password}@127.0.0.1:{parts.port}"))

    def run(self, program: str, *arguments: str | Path) -> str:
        """One of PostgreSQL's programs, as the superuser."""
        programs = binaries()
        assert programs is not None
        user = unprivileged("postgres")
        parts = urlsplit(self.owner_url)
        environment = {
            "PATH": os.environ["PATH"],
            "PGHOST": "127.0.0.1",
            "PGPORT": str(parts.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.superuser_password,
        }
        done = subprocess.run(
            [str(programs / program), *map(str, arguments)],
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def folder_for_server(folder: Path) -> Path:
    """A folder that the server's own user may write to."""
    folder.mkdir(mode=0o700, parents=True)
    if user := unprivileged("postgres"):
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


@contextmanager
def started(folder: Path) -> Iterator[Instance]:
    """A new one, or the one whose data stands in `folder`."""
    state = State(folder / "state.json")
    with pytest.MonkeyPatch.context() as patch, postgres(folder, state, durable=True) as url:
        patch.delenv("DATABASE_ROLE_PREFIX", raising=False)  # here the owner is `loctician`, with rights.sql
        yield Instance(folder, url, state.secret("postgres"))


def initialized(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    folder_for_server(folder / "postgres")
    return folder


def copied(source: Instance, backup: Path, folder: Path) -> Path:
    """A base backup, with the logins of the instance it was taken from, ready to be started beside it."""
    folder.mkdir(mode=0o755)
    shutil.move(backup, folder / "postgres")
    shutil.copy(source.folder / "state.json", folder / "state.json")
    return folder
