"""Where figures are taken: servers of our own with fsync on, a database and a vhost for each benchmark, processes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil

from deploy.local.up import SERVICES, commands
from keys.logins import role_password
from provisioning.processes import free_port, spawn, stop
from provisioning.servers import Addresses
from shared.settings import Roles, load, runtime_role
from shared.testing.servers import Servers, as_owner, vhost, with_database
from tests.bench.identity import KID, Signer
from tests.e2e.stack import eventually

ROOT = Path(__file__).parents[2]
# The roles of a server have one password each, which is made from this; so a server that is given wants its own.
SECRET_KEY = os.environ.get("SECRET_KEY", "bench-secret-key-of-at-least-32-characters")
MIGRATE_SECONDS = 120
READY_SECONDS = 40
T = TypeVar("T")
Prepare = Callable[[str], Awaitable[None]]  # given the owner's address


@dataclass(frozen=True)
class Options:
    quick: bool = False
    full: bool = False
    runs: int = 5

    @property
    def seconds(self) -> int:
        """How long one arm of one round lasts."""
        return 1 if self.quick else 5

    def size(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual


@dataclass
class Bench:
    options: Options
    servers: Addresses
    folder: Path
    say: Callable[[str], None] = print

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The owner's address of a new database."""
        name = f"bench_{uuid4().hex[:10]}"
        await as_owner(self.servers.database_url, f"CREATE DATABASE {name}")
        try:
            yield with_database(self.servers.database_url, name)
        finally:
            await as_owner(self.servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def vhost(self) -> Iterator[str]:
        with vhost(self.own_servers) as address:
            yield address

    @property
    def own_servers(self) -> Servers:
        return Servers(self.servers.database_url, self.servers.amqp_url, self.servers.amqp_management_url)

    @asynccontextmanager
    async def platform(
        self, *names: str, demo: bool = False, prepare: Prepare | None = None, **environment: str
    ) -> AsyncIterator["Platform"]:
        """A migrated database, a vhost, and the named processes once they are ready; `environment` is for all."""
        async with self.database() as database_url:
            with self.vhost() as amqp_url:
                folder = self.folder / uuid4().hex[:10]
                folder.mkdir(parents=True)
                platform = Platform(folder, environment_for(folder, database_url, amqp_url) | environment)
                try:
                    platform.loctician("migrate")
                    if demo:
                        platform.loctician("demo")
                    if prepare:
                        await prepare(database_url)
                    for name in names:
                        platform.start(name)
                    await platform.ready(*names)
                    yield platform
                finally:
                    await asyncio.to_thread(platform.stop_all)


def environment_for(folder: Path, database_url: str, amqp_url: str) -> dict[str, str]:
    ports = {name: free_port() for name in (*SERVICES, "gateway", "mail")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "development",
        "LOG_LEVEL": "WARNING",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_ROLE_PREFIX": load(Roles).database_role_prefix,
        "DATABASE_URL": database_url,
        "AMQP_URL": amqp_url,
        "PUBLIC_URL": f"http://127.0.0.1:{ports['gateway']}",
        "GATEWAY_PORT": str(ports["gateway"]),
        "LOCAL_MAIL_PORT": str(ports["mail"]),
        "SMTP_URL": f"smtp://127.0.0.1:{ports['mail']}",
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "LOGIN_RATE_LIMIT_PER_MINUTE": "1000000",
        "CALLS_PER_ADDRESS": "100000",
        **{f"{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}" for name in SERVICES},
    }


@dataclass
class Platform:
    """Processes started as `make up` starts them; they end with us whatever happens."""

    folder: Path
    environment: dict[str, str]
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.signer = Signer(self.environment["PUBLIC_URL"])
        self.environment |= {"JWT_PRIVATE_KEY": str(self.signer.keep(self.folder)), "JWT_KEY_ID": KID}

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def database(self) -> str:
        return urlsplit(self.database_url).path[1:]

    def role_url(self, service: str) -> str:
        """The database as the service itself logs in."""
        parts = urlsplit(self.database_url)
        role = runtime_role(service)
        login = f"{role}:{role_password(SECRET_KEY, role)}"
        return parts._replace(netloc=f"{login}@{parts.hostname}:{parts.port}").geturl()

    def loctician(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=MIGRATE_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"loctician {' '.join(arguments)}: {done.stderr[-2000:]}")

    def start(self, name: str, *, core: int | None = None, **environment: str) -> None:
        own = self.environment | environment
        if name == "mail":
            port, mails = own["LOCAL_MAIL_PORT"], str(self.folder / "mail")
            command = [sys.executable, "-m", "deploy.local.mailsink", "--port", port, "--dir", mails]
        else:
            command = ["sh", "-c", commands(own)[name]]
        self.run(name, command, own, core=core)

    def bare(self, name: str, module: str, port: int) -> None:
        """An application of tests/bench/bare, served with the services' own flags."""
        serve = commands(self.environment)["booking"].partition(" --port ")[0]
        command = f"{serve} --port {port} tests.bench.bare.{module}:app"
        self.run(name, ["sh", "-c", command], self.environment)

    def run(self, name: str, command: list[str], environment: dict[str, str], *, core: int | None = None) -> None:
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        self.processes[name] = spawn([*pinned, *command], self.folder / f"{name}.log", environment=environment)

    def stop(self, name: str) -> None:
        stop(self.processes.pop(name))

    def stop_all(self) -> None:
        with ExitStack() as stack:
            for name in list(self.processes):
                stack.callback(self.stop, name)

    def url(self, name: str) -> str:
        return self.environment["PUBLIC_URL" if name == "gateway" else f"{name.upper()}_URL"]

    def port(self, name: str) -> int:
        return int(self.url(name).rpartition(":")[2])

    def cpu(self, *names: str) -> float:
        """Seconds of processor time used so far."""
        times = [psutil.Process(self.processes[name].pid).cpu_times() for name in names]
        return sum(time_.user + time_.system for time_ in times)

    def memory(self, *names: str) -> float:
        """Proportional set size in MB: each shared page counted once over all that share it."""
        return sum(pss(self.processes[name].pid) for name in names or self.processes) / 2**20

    async def ready(self, *names: str) -> None:
        async with httpx.AsyncClient(timeout=5) as http:

            async def waiting() -> list[str]:
                return [name for name in names if name != "mail" and not await self._is_up(http, name)]

            await self._eventually(waiting, lambda left: not left, "every process ready")

    async def listening(self, port: int) -> None:
        async def connects() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await self._eventually(connects, bool, f"somebody to listen on port {port}")

    async def _eventually(self, read: Callable[[], Awaitable[T]], fits: Callable[[T], bool], what: str) -> None:
        try:
            await eventually(read, fits, what, READY_SECONDS)
        except AssertionError as error:
            tails = {path.name: path.read_text()[-1500:] for path in self.folder.glob("*.log")}
            raise RuntimeError(f"{error}: {tails}") from error

    async def _is_up(self, http: httpx.AsyncClient, name: str) -> bool:
        process = self.processes[name]
        if process.poll() is not None:
            raise AssertionError(f"{name} ended with {process.returncode}")
        try:
            answer = await http.get(f"{self.url(name)}/health/ready")
        except httpx.TransportError:
            return False
        # the gateway takes calls without its parts; figures are taken once they are there
        parts = answer.json().get("parts", {})
        return answer.status_code == 200 and all(part["status"] == "up" for part in parts.values())


def pss(pid: int) -> int:
    memory = psutil.Process(pid).memory_full_info()
    return int(getattr(memory, "pss", memory.uss))
