"""A private PostgreSQL of the system's packages."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.leftovers import marked
from provisioning.processes import free_port, spawn, stop, unprivileged
from provisioning.state import State

RIGHTS = Path(__file__).parents[1] / "deploy" / "postgres" / "rights.sql"
START_SECONDS = 30
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL (15 or newer) on this machine."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    found = [path for path in found if (path / "initdb").exists() and _version(path) >= 15]
    if found:
        return max(found, key=_version)
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _version(path: Path) -> int:
    digits = "".join(character for character in path.parent.name if character.isdigit())
    return int(digits or 0)


@contextmanager
def postgres(
    folder: Path,
    state: State,
    *,
    durable: bool,
    restricted: bool = True,
    owner: str = "loctician",
    logs: Path | None = None,
) -> Iterator[str]:
    """The owner's address, once the server answers. Where it is durable and `restricted`, the owner has the rights of
    production; else it also makes databases and roles."""
    programs = binaries()
    assert programs is not None  # noqa: S101 - the caller has installed it
    user = unprivileged("postgres")
    data, log = folder / "postgres", (logs or folder) / "postgres.log"
    port = state.port("postgres", free_port)
    password, owner_password = state.secret("postgres"), state.secret("owner")
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data, password, folder)
    options = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "300",
        "shared_buffers": "128MB",
        **({} if durable else THROW_AWAY),
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    server = spawn([programs / "postgres", "-D", data, *flags], log, user, marked(folder), end=signal.SIGINT)
    try:
        psql = [str(programs / "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
        environment = {"PATH": os.environ["PATH"], "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"}
        _wait(server, psql, environment, log)
        _ensure_owner(psql, environment, owner, owner_password, restricted=durable and restricted)
        yield f"postgresql://{owner}:{owner_password}@127.0.0.1:{port}/loctician"
    finally:
        stop(server, signal.SIGINT)


def _initialise(programs: Path, data: Path, password: str, folder: Path) -> None:
    user = unprivileged("postgres")
    secret = folder / "initial-password"
    secret.touch(0o600)
    secret.write_text(password)
    if user:
        os.chown(secret, user.pw_uid, user.pw_gid)
    command = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(secret),
    ]
    done = subprocess.run(
        [*command, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        capture_output=True,
        text=True,
        cwd="/",
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        timeout=120,
        check=False,
    )
    secret.unlink()
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


def _wait(server: subprocess.Popen[bytes], psql: list[str], environment: dict[str, str], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if subprocess.run([*psql, "-c", ""], env=environment, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start; its log says: {log.read_text()[-1000:]}")


def _ensure_owner(psql: list[str], environment: dict[str, str], owner: str, password: str, *, restricted: bool) -> None:
    """A role that owns the database and may nothing else; tests also make databases and roles with it."""

    def run(*arguments: str | Path) -> str:
        command = [*psql, "-v", "ON_ERROR_STOP=1", "-tA", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.strip()

    if not run("-c", f"SELECT 1 FROM pg_roles WHERE rolname = '{owner}'"):
        run("-c", f"CREATE ROLE {owner} LOGIN NOSUPERUSER PASSWORD '{password}'")
    if not run("-c", "SELECT 1 FROM pg_database WHERE datname = 'loctician'"):
        run("-c", f"CREATE DATABASE loctician OWNER {owner}")
    if restricted:
        run("-c", f"ALTER ROLE {owner} NOCREATEDB")
        run("-c", "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
        run("-d", "loctician", "-f", RIGHTS)
    else:
        run("-c", f"ALTER ROLE {owner} CREATEDB CREATEROLE")
