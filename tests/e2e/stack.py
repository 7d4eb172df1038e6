"""The whole platform as six processes on loopback, over a database and a vhost of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cli.secret_files import secret_files
from cli.tests.command import invoke
from keys.logins import without_login
from provisioning.processes import free_port
from shared.settings import Roles, load
from shared.testing.waiting import eventually as eventually
from tests.e2e.salon import MAIL_FOLDERS

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
READY_SECONDS = 180


@dataclass
class Stack:
    url: str
    mail: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: Path = Path()

    @property
    def own_logins(self) -> bool:
        return "AMQP_MANAGEMENT_URL" in self.environment

    def environment_of(self, name: str) -> dict[str, str]:
        """As in production: without SECRET_KEY and the operator's logins, where `migrate` has made others."""
        if not self.own_logins:
            return self.environment
        operators = ("AMQP_MANAGEMENT_URL", "SECRET_KEY")
        given = {key: value for key, value in self.environment.items() if key not in operators}
        given |= {key: without_login(given[key]) for key in ("AMQP_URL", "DATABASE_URL")}
        return given | {"SECRETS_FILE": str(self.logs.parent / "secrets" / name / "secrets")}

    def start(self, name: str, port: int | None = None) -> None:
        """On the port that others know, or as one more replica on another."""
        address = self.environment["PUBLIC_URL"] if name == "gateway" else self.environment[f"{name.upper()}_URL"]
        command = [sys.executable, "-m", "gateway"]
        if name != "gateway":
            command = [sys.executable, "-m", "uvicorn", "--no-access-log", "--no-server-header", "--host", "127.0.0.1"]
            command += ["--factory", f"services.{name}.main:create"]
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*command, "--port", str(port or address.rpartition(":")[2])],
                cwd=ROOT,
                env=self.environment_of(name),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)

    def stop_all(self) -> None:
        for name in list(self.processes):
            self.stop(name)

    def _ready_of(self, service: str) -> str:
        return f"{self.environment[f'{service.upper()}_URL']}/health/ready"

    async def ready(self, *names: str) -> None:
        async with httpx.AsyncClient(timeout=5) as http:

            async def answers() -> list[str]:
                waiting = []
                for name in names or (*SERVICES, "gateway"):
                    # The gateway's report of the whole tells that it reaches each service too.
                    address = f"{self.url}/health" if name == "gateway" else self._ready_of(name)
                    try:
                        answer = await http.get(address)
                        if answer.status_code != 200:
                            waiting.append(f"{name}: {answer.text}")
                    except httpx.TransportError as error:
                        waiting.append(f"{name}: {type(error).__name__}")
                self._waiting = waiting
                return waiting

            try:
                await eventually(answers, lambda waiting: not waiting, "all services ready", READY_SECONDS)
            except AssertionError as error:
                tails = {path.name: path.read_text()[-1500:] for path in self.logs.glob("*.log")}
                raise AssertionError(f"{error}: {self._waiting} {tails}") from error


def loctician(environment: dict[str, str], *arguments: str) -> None:
    done = invoke(environment, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def write_secrets(folder: Path, environment: dict[str, str]) -> None:
    addresses = [without_login(environment[name]) for name in ("DATABASE_URL", "AMQP_URL")]
    for name, content in secret_files(environment["SECRET_KEY"], None, *addresses).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@contextmanager
def running(folder: Path, database_url: str, amqp_url: str, **through: str) -> Iterator[Stack]:
    """Migrates, loads the demo salon, starts the six processes and a mail sink; ends them all.

    `through` overrides what the processes are given: addresses of proxies in front of the servers, say. With
    AMQP_MANAGEMENT_URL in it, each service has a login of its own.
    """
    ports = {name: free_port() for name in (*SERVICES, "gateway", "mail")}
    mail, logs = folder / "mail", folder / "logs"
    mail.mkdir()
    logs.mkdir()
    url = f"http://127.0.0.1:{ports['gateway']}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ENVIRONMENT": "development",
        "SECRET_KEY": os.environ.get("SECRET_KEY", "test-secret-key-of-at-least-32-characters"),
        "DATABASE_URL": database_url,
        "DATABASE_ROLE_PREFIX": load(Roles).database_role_prefix,
        "AMQP_URL": amqp_url,
        "PUBLIC_URL": url,
        "SMTP_URL": f"smtp://127.0.0.1:{ports['mail']}",
        "RATE_LIMIT_PER_MINUTE": "100000",
        "LOGIN_RATE_LIMIT_PER_MINUTE": "100000",
        "CALLS_PER_ADDRESS": "1000",
        **{f"{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}" for name in SERVICES},
    }
    with ExitStack() as cleanup:
        stack = Stack(url, mail, environment, logs=logs)
        MAIL_FOLDERS[url] = mail
        names = ("AMQP_MANAGEMENT_URL",)
        loctician(environment | {name: through[name] for name in names if name in through}, "migrate")
        loctician(environment, "demo")
        sink = [sys.executable, "-m", "deploy.local.mailsink", "--port", str(ports["mail"]), "--dir", str(mail)]
        process = subprocess.Popen(sink, cwd=ROOT, env=environment)
        cleanup.callback(process.wait, 10)
        cleanup.callback(process.terminate)
        environment |= through
        if stack.own_logins:
            write_secrets(folder / "secrets", environment)
        for name in (*SERVICES, "gateway"):
            stack.start(name)
        cleanup.callback(stack.stop_all)
        yield stack
