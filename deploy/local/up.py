"""`make up`: servers, migrations, demo data, six processes and a mail sink, until Ctrl-C."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from cli import local_state
from deploy.local.logfiles import begin, end_of
from deploy.local.ports import taken_by
from deploy.local.supervisor import Started, Told, running, watch
from keys.logins import without_login
from provisioning.leftovers import stop_left_over
from provisioning.processes import die_with_parent, free_port
from provisioning.servers import Addresses, provisioned
from provisioning.state import State, digest

ROOT = Path(__file__).parents[2]
LOCAL = local_state.LOCAL
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
READY_SECONDS = 60
OTHER_SECONDS = 60
PASSWORD = "loctician-demo-2026"  # noqa: S105 - of the demo salon, printed on purpose
SHOWN_LINES = 15  # of a log, where its process has ended
LOGINS = {"admin": "admin", "staff": "staff", "amina, jonas, sofie": "loctician", "kunde, kunde2": "customer"}
out = Console()


def environment_for(servers: Addresses, state: State) -> dict[str, str]:
    """What the processes are started with; anything already set in the environment wins."""
    gateway = int(os.environ.get("GATEWAY_PORT", "8000"))
    if free_port(gateway) != gateway:
        sys.exit(f"Port {gateway} on 127.0.0.1 is taken{taken_by(gateway)}. Stop it, or set GATEWAY_PORT.")
    mail = state.port("mail", free_port)
    defaults = {
        "ENVIRONMENT": "development",
        "DEBUG": "true",  # the gateway then serves /docs
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
    if "DATABASE_URL" in os.environ:  # a server that others may use too
        defaults["DATABASE_ROLE_PREFIX"] = f"loctician_{digest(LOCAL)}"
    else:
        addresses["DATABASE_ROLE_PREFIX"] = str(urlsplit(servers.database_url).username)
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
    """Migrates and loads the demo salon. Ends the process, with what it says, where that fails."""
    # in one process: half of what each takes is importing the services
    code = "import sys; from cli.main import app as run; "
    code += "sys.exit(any(run([name], standalone_mode=False) for name in ('migrate', 'demo')))"
    log = begin(LOCAL / "log" / "prepare.log")
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        sys.exit("\n".join(["Migrating or loading the demo salon failed:", *end_of(log, SHOWN_LINES)]))


def health_of(environment: dict[str, str]) -> dict[str, str]:
    addresses = {name: f"{environment[f'{name.upper()}_URL']}/health/ready" for name in SERVICES}
    return addresses | {"gateway": f"{environment['PUBLIC_URL']}/health"}


def say(name: str, what: str, address: str = "") -> None:
    out.print(f"{name:<14}{what:<9}{address}".rstrip(), highlight=False, soft_wrap=True)


def announce(environment: dict[str, str], started: float) -> None:
    """Where everything is; the last line is the address to open."""
    table = Table(title=f"Loctician is ready ({time.monotonic() - started:.1f} s)", show_header=False)
    for names, role in LOGINS.items():
        table.add_row(role, f"{names} @loctician.example")
    table.add_row("password", f"{PASSWORD} (of all of them)")
    table.add_row("API", environment["PUBLIC_URL"])
    table.add_row("mails", str(LOCAL / "mail"))
    table.add_row("logs", "make logs, or make logs ARGS=booking")
    table.add_row("operator", ".venv/bin/loctician status, jobs, dead-letters, drift ... in this folder")
    table.add_row("end", "Ctrl-C; the data stay")
    out.print(table)
    out.print(f"Open {environment['PUBLIC_URL']}/docs", highlight=False, soft_wrap=True)


def supervise(environment: dict[str, str], started_at: float) -> None:
    """Runs the processes until Ctrl-C. Ends this process with the last lines of the log of one that has ended."""

    def ready(one: Started) -> None:
        say(one.name, "ready", (one.health or "").partition("/health")[0] or f"{LOCAL.name}/mail")

    health = health_of(environment)

    def late(waiting: list[Started]) -> None:
        names = ", ".join(one.name for one in waiting)
        out.print(f"Not ready after {READY_SECONDS} s: {names}. Their logs say why: make logs", highlight=False)

    with (
        running(commands(environment), health, services_environment(environment), ROOT, LOCAL) as started,
        local_state.kept(operators_settings(environment)),
    ):
        ended = watch(started, Told(ready, lambda: announce(environment, started_at), late), READY_SECONDS)
    how = f"{ended.name} has ended (exit code {ended.process.returncode}). The end of {ended.log}:"
    sys.exit("\n".join([how, *end_of(ended.log, SHOWN_LINES)]))


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


def end_with_make() -> None:
    """Should `make` be killed, it cannot hand its end on."""
    command = Path(f"/proc/{os.getppid()}/comm")
    if command.exists() and command.read_text().strip() in ("make", "gmake"):
        die_with_parent(signal.SIGTERM)


def main() -> None:
    started = time.monotonic()
    # A closed terminal or a plain kill ends everything as Ctrl-C does.
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: sys.exit(0))
    end_with_make()
    try:
        with alone(LOCAL):
            if stopped := stop_left_over(LOCAL):
                out.print(f"Ended processes that an earlier run had left: {stopped}.", highlight=False)
            with provisioned(LOCAL) as servers:
                for name, url in (("PostgreSQL", servers.database_url), ("RabbitMQ", servers.amqp_url)):
                    say(name, "ready", url.rpartition("@")[2])
                environment = environment_for(servers, State(LOCAL / "state-up.json"))
                prepare(environment)
                say("migrations", "done")
                supervise(environment, started)
    except KeyboardInterrupt:
        out.print("Stopped.")


if __name__ == "__main__":
    main()
