"""`make up`: servers, migrations, demo data, six processes and a mail sink, until Ctrl-C."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from honcho.manager import Manager
from rich.console import Console
from rich.table import Table

from cli import local_state
from keys.logins import without_login
from provisioning.processes import free_port
from provisioning.servers import Addresses, provisioned
from provisioning.state import State

ROOT = Path(__file__).parents[2]
LOCAL = local_state.LOCAL
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
READY_SECONDS = 60
OTHER_SECONDS = 60
PASSWORD = "loctician-demo-2026"  # noqa: S105 - of the demo salon, printed on purpose
LOGINS = {"admin": "admin", "staff": "staff", "amina, jonas, sofie": "loctician", "kunde, kunde2": "customer"}
out = Console()


def environment_for(servers: Addresses, state: State) -> dict[str, str]:
    """What the processes are started with; anything already set in the environment wins."""
    gateway = int(os.environ.get("GATEWAY_PORT", "8000"))
    if free_port(gateway) != gateway:
        sys.exit(f"Port {gateway} on 127.0.0.1 is taken. Stop what listens there, or set GATEWAY_PORT.")
    mail = state.port("mail", free_port)
    defaults = {
        "ENVIRONMENT": "development",
        "SECRET_KEY": state.secret("key"),
        "PUBLIC_URL": f"http://127.0.0.1:{gateway}",
        "SMTP_URL": f"smtp://127.0.0.1:{mail}",
        "LOCAL_MAIL_PORT": str(mail),
        "AUDIT_ANCHOR_FILE": str(LOCAL / "audit-ends.jsonl"),
        "GATEWAY_PORT": str(gateway),
        "WEBSOCKET_DRAIN_SECONDS": "0",  # nobody else is there to take the clients over
    }
    for number, name in enumerate(SERVICES, start=8001):
        port = free_port(number)
        defaults[f"{name.upper()}_URL"] = f"http://127.0.0.1:{port}"
    addresses = {"DATABASE_URL": servers.database_url, "AMQP_URL": servers.amqp_url}
    if servers.amqp_management_url:
        addresses["AMQP_MANAGEMENT_URL"] = servers.amqp_management_url
    return {**defaults, **os.environ, **addresses, "PYTHONUNBUFFERED": "1"}


def services_environment(environment: dict[str, str]) -> dict[str, str]:
    """Each service logs in to the broker as itself, if `loctician migrate` could make the logins."""
    services = {name: value for name, value in environment.items() if name != "AMQP_MANAGEMENT_URL"}
    if "AMQP_MANAGEMENT_URL" in environment:
        services["AMQP_URL"] = without_login(environment["AMQP_URL"])
    return services


def operators_settings(environment: dict[str, str]) -> dict[str, str]:
    """Of the environment what `.env.example` documents: what the operator's command needs, and nothing of the shell."""
    documented = {line.lstrip("#").partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines()}
    return {name: value for name, value in environment.items() if name in documented}


def commands(environment: dict[str, str]) -> dict[str, str]:
    python = sys.executable
    serve = f"{python} -m uvicorn --host 127.0.0.1 --no-access-log --no-server-header --loop uvloop --http httptools"
    ports = {name: environment[f"{name.upper()}_URL"].rpartition(":")[2] for name in SERVICES}
    started = {
        name: f"exec {serve} --port {port} --factory services.{name}.main:create" for name, port in ports.items()
    }
    started["gateway"] = f"exec {python} -m gateway --port {environment['GATEWAY_PORT']}"
    mail = f"--port {environment['LOCAL_MAIL_PORT']} --dir {LOCAL / 'mail'}"
    return {"mail": f"exec {python} -m deploy.local.mailsink {mail}", **started}


def prepare(environment: dict[str, str]) -> None:
    # in one process: half of what each takes is importing the services
    code = "import sys; from cli.main import app as run; "
    code += "sys.exit(any(run([name], standalone_mode=False) for name in ('migrate', 'demo')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        sys.exit("Migrating or loading the demo salon failed; what it says stands above.")


def _waiting(environment: dict[str, str]) -> list[str]:
    bases = {name: environment[f"{name.upper()}_URL"] for name in SERVICES}
    waiting = []
    ready = {name: f"{base}/health/ready" for name, base in bases.items()}
    for name, address in {**ready, "gateway": f"{environment['PUBLIC_URL']}/health"}.items():
        try:
            with urllib.request.urlopen(address, timeout=3) as answer:  # noqa: S310 - our own address
                json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            waiting.append(name)
    return waiting


def announce(environment: dict[str, str], started: float) -> None:
    """Wait until everything is ready, then say where it is."""
    until = time.monotonic() + READY_SECONDS
    while (waiting := _waiting(environment)) and time.monotonic() < until:
        time.sleep(0.2)
    if waiting:
        out.print(f"[yellow]Still not ready: {', '.join(waiting)}; their log lines above say why[/yellow]")
        return
    table = Table(title=f"Loctician is ready ({time.monotonic() - started:.1f} s)", show_header=False)
    table.add_row("Everything", environment["PUBLIC_URL"])
    for name in SERVICES:
        table.add_row(name, environment[f"{name.upper()}_URL"])
    table.add_row("Mails", str(LOCAL / "mail"))
    table.add_row("RabbitMQ", environment["AMQP_URL"].rpartition("@")[2])
    table.add_row("PostgreSQL", environment["DATABASE_URL"].rpartition("@")[2])
    for names, role in LOGINS.items():
        table.add_row(role, f"{names} @loctician.example, password {PASSWORD}")
    table.add_row("Operator", ".venv/bin/loctician status, jobs, dead-letters, drift ... in this folder")
    out.print(table)


@contextmanager
def alone(folder: Path, seconds: float = OTHER_SECONDS) -> Iterator[None]:
    """One at a time in a folder: two would share the servers' data. Waits for one that is just ending."""
    folder.mkdir(exist_ok=True)
    with (folder / local_state.LOCK).open("w") as lock:
        until, announced = time.monotonic() + seconds, False
        while not _locked(lock):
            if time.monotonic() > until:
                sys.exit(f"Another `make up` runs in {folder.parent}. Stop it with Ctrl-C first.")
            if not announced:
                out.print("Waiting for another `make up` of this folder to end ...")
                announced = True
            time.sleep(0.2)
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> None:
    started = time.monotonic()
    # A closed terminal or a plain kill ends everything as Ctrl-C does.
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: sys.exit(0))
    with alone(LOCAL), provisioned(LOCAL) as servers:
        environment = environment_for(servers, State(LOCAL / "state-up.json"))
        prepare(environment)
        manager = Manager()
        services = services_environment(environment)
        for name, command in commands(environment).items():
            manager.add_process(name, command, env=services, cwd=str(ROOT), quiet=False)
        threading.Thread(target=announce, args=(environment, started), daemon=True).start()
        with local_state.kept(operators_settings(environment)):
            manager.loop()
    sys.exit(manager.returncode or 0)


if __name__ == "__main__":
    main()
