"""PostgreSQL and RabbitMQ for a laptop or a test run."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.engine import EngineNotUsableError, docker_answers
from provisioning.leftovers import stop_left_over
from provisioning.postgres import binaries, postgres
from provisioning.processes import unprivileged
from provisioning.rabbitmq import rabbitmq, server_command
from provisioning.state import State, digest

HOW_TO_INSTALL = (
    "PostgreSQL 15 and RabbitMQ 3.10 or newer are needed: on Debian `apt-get install postgresql rabbitmq-server`, on"
    " Fedora `dnf install postgresql-server postgresql-contrib rabbitmq-server`, on macOS `brew install postgresql@17"
    " rabbitmq`; or set DATABASE_URL and AMQP_URL."
)
POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = Path("/run/lock/loctician-install")
PATIENTLY = ["-o", "DPkg::Lock::Timeout=300"]  # seconds, where somebody else is installing


@dataclass(frozen=True)
class Addresses:
    database_url: str
    amqp_url: str
    amqp_management_url: str | None


def install_if_missing() -> None:
    """Install both from Debian's packages where we may; their own services are not started."""
    if not _missing():
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(HOW_TO_INSTALL)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another of ours may be installing them
        if missing := _missing():
            install(*missing)


def _missing() -> list[str]:
    return [name for name, found in (("postgresql", binaries()), ("rabbitmq-server", server_command())) if not found]


def install(*packages: str) -> None:
    """Debian's packages, as root; what they would start stays down."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _services_stay_down():
        for command in (["update", "-qq"], ["install", *PATIENTLY, "-y", "-qq", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", *command], env=environment, check=True, timeout=600)


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Debian starts what it installs, on the standard ports, unless policy-rc.d says 101."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _reachable(folder: Path, user_id: int, group_id: int) -> bool:
    check = ["test", "-x", str(folder)]
    return subprocess.run(check, user=user_id, group=group_id, extra_groups=[], cwd="/", check=False).returncode == 0


def _home(folder: Path) -> Path:
    """Where the servers keep their data: `folder`, unless their user cannot get there (as below /root)."""
    folder.mkdir(parents=True, exist_ok=True)
    user = unprivileged("postgres")
    if user is None or _reachable(folder, user.pw_uid, user.pw_gid):
        return folder
    elsewhere = Path(tempfile.gettempdir()).with_name("var") / "tmp" / f"loctician-{digest(folder, 12)}"
    elsewhere.mkdir(mode=0o755, parents=True, exist_ok=True)
    return elsewhere


def _own(folder: Path, name: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    user = unprivileged(name)
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)


def _owner(state: State, home: Path, folder: Path) -> str:
    """Of the database, with whose name those of the services' roles begin: data of an earlier version keep theirs."""
    earlier = "loctician" if (home / "postgres" / "PG_VERSION").exists() else None
    return state.set("owner", state.get("owner") or earlier or f"loctician_{digest(folder)}")


def _refuse_left_data(folder: Path, home: Path) -> None:
    """Where the servers' data are not in `folder`, they outlive it."""
    known = folder / "home"
    if home != folder and (home / "postgres").exists() and not (known.exists() or (folder / "state-up.json").exists()):
        sys.exit(f"{home} holds data of an earlier {folder}, whose keys are gone. Remove them: rm -r {home}")
    known.write_text(str(home))


@contextmanager
def native(folder: Path, *, durable: bool, restricted: bool = True) -> Iterator[Addresses]:
    """Servers of the system's packages, with their data in `folder` and their logs in `folder`/log. Ends the process
    where data of an earlier `.local` are left elsewhere, whose keys are gone."""
    install_if_missing()
    home, logs = _home(folder), folder / "log"
    _refuse_left_data(folder, home)
    stop_left_over(home)
    logs.mkdir(exist_ok=True)
    home.chmod(0o755)
    for name in ("postgres", "rabbitmq"):
        _own(home / name, name)
    state = State(home / "state.json")
    owner = _owner(state, home, folder) if durable and restricted else "loctician"
    with ExitStack() as servers:
        database = postgres(home, state, durable=durable, restricted=restricted, owner=owner, logs=logs)
        database_url = servers.enter_context(database)
        amqp_url, management_url = servers.enter_context(rabbitmq(home, state, logs))
        yield Addresses(database_url, amqp_url, management_url)


@contextmanager
def provisioned(folder: Path, *, durable: bool = True, restricted: bool = True) -> Iterator[Addresses]:
    """DATABASE_URL and AMQP_URL where both are given, else containers where an engine answers, else private servers."""
    given = os.environ.get("DATABASE_URL"), os.environ.get("AMQP_URL")
    if given[0] and given[1]:
        yield Addresses(given[0], given[1], os.environ.get("AMQP_MANAGEMENT_URL"))
        return
    with ExitStack() as servers:
        addresses = _contained(servers, folder, durable=durable) if docker_answers() else None
        yield addresses or servers.enter_context(native(folder, durable=durable, restricted=restricted))


def _contained(servers: ExitStack, folder: Path, *, durable: bool) -> Addresses | None:
    """Containers; None, and one line that says why, where the engine cannot run them."""
    from provisioning.containers import compose, throw_away  # the engine's library only where there is one

    try:
        return servers.enter_context(compose(folder) if durable else throw_away())
    except EngineNotUsableError as error:
        sys.stderr.write(f"Docker answers, but {error}. Servers of the system's packages are used instead.\n")
        return None
