"""The same servers from containers, where a Docker engine answers."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testcontainers.core.container import DockerContainer

from provisioning.processes import free_port
from provisioning.rabbitmq import listens
from provisioning.servers import Addresses
from provisioning.state import State

ROOT = Path(__file__).parents[1]
POSTGRES, RABBITMQ = "postgres:17-alpine", "rabbitmq:4-management-alpine"
START_SECONDS = 120
OWNER = """
CREATE ROLE loctician LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{password}';
CREATE DATABASE loctician OWNER loctician;
"""


def _addresses(password: str, ports: dict[int, int]) -> Addresses:
    return Addresses(
        f"postgresql://loctician:{password}@127.0.0.1:{ports[5432]}/loctician",
        f"amqp://loctician:{password}@127.0.0.1:{ports[5672]}/",
        f"http://loctician:{password}@127.0.0.1:{ports[15672]}",
    )


@contextmanager
def throw_away() -> Iterator[Addresses]:
    """Two containers that are gone with the test run."""
    password = "of-throw-away-containers"  # noqa: S105 - reachable on loopback, for minutes
    postgres = DockerContainer(POSTGRES).with_env("POSTGRES_PASSWORD", password).with_exposed_ports(5432)
    rabbitmq = DockerContainer(RABBITMQ).with_exposed_ports(5672, 15672)
    rabbitmq.with_env("RABBITMQ_DEFAULT_USER", "loctician").with_env("RABBITMQ_DEFAULT_PASS", password)
    with ExitStack() as containers:
        for container in (postgres, rabbitmq):
            containers.enter_context(container)
        _until(lambda: _owner_made(postgres, password), "PostgreSQL")
        ports = {5432: int(postgres.get_exposed_port(5432))}
        ports |= {port: int(rabbitmq.get_exposed_port(port)) for port in (5672, 15672)}
        _until(lambda: listens(ports[15672], password, 5672), "RabbitMQ")
        yield _addresses(password, ports)


def _owner_made(postgres: DockerContainer, password: str) -> bool:
    ready = postgres.exec(["psql", "-h", "127.0.0.1", "-U", "postgres", "-qc", "SELECT 1"])
    if ready.exit_code:
        return False
    for statement in OWNER.format(password=password).strip().splitlines():
        postgres.exec(["psql", "-h", "127.0.0.1", "-U", "postgres", "-qc", statement])
    return True


@contextmanager
def compose(folder: Path) -> Iterator[Addresses]:
    """PostgreSQL and RabbitMQ of docker-compose.yml; their volumes stay when they stop."""
    folder.mkdir(parents=True, exist_ok=True)
    state = State(folder / "containers.json")
    ports = {inside: state.port(f"container-{inside}", free_port) for inside in (5432, 5672, 15672)}
    password = state.secret("containers")
    environment = {
        **os.environ,
        "POSTGRES_PORT": str(ports[5432]),
        "AMQP_PORT": str(ports[5672]),
        "AMQP_MANAGEMENT_PORT": str(ports[15672]),
        "SECRETS": str(_secrets(folder / "secrets", password)),
    }
    files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(ROOT / "deploy" / "compose" / "local.yml")]
    command = ["docker", "compose", *files, "--project-name", "loctician-local"]
    names = ["postgres", "rabbitmq"]
    subprocess.run([*command, "up", "-d", "--wait", *names], env=environment, check=True, timeout=600)
    try:
        _until(lambda: listens(ports[15672], password, 5672), "RabbitMQ")
        yield _addresses(password, ports)
    finally:
        subprocess.run([*command, "stop", *names], env=environment, check=False, timeout=120)


def _secrets(folder: Path, password: str) -> Path:
    """Readable for the containers' own users, in a folder that is closed to others."""
    folder.mkdir(mode=0o700, exist_ok=True)
    login = f"default_user = loctician\ndefault_pass = {password}\n"
    for name, value in {"postgres_password": password, "owner_password": password, "rabbitmq.conf": login}.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o644)
    return folder.resolve()


def _until(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} did not start within {START_SECONDS} s")
        time.sleep(0.3)
