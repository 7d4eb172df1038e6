"""The same servers from containers, where a Docker engine answers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from provisioning.engine import EngineNotUsableError, last_line, require_compose, require_images
from provisioning.processes import free_port
from provisioning.rabbitmq import listens
from provisioning.servers import Addresses
from provisioning.state import State, digest

SERVERS = Path(__file__).parents[1] / "deploy" / "compose" / "servers.yml"
POSTGRES, RABBITMQ = "postgres:17-alpine", "rabbitmq:4-management-alpine"
START_SECONDS, STOP_SECONDS = 120, 120
COMMON_PROJECT = "loctician-local"  # the name of all folders' projects before each had its own
OWNER = """
CREATE ROLE loctician LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{password}';
CREATE DATABASE loctician OWNER loctician;
"""


def _addresses(owner: str, password: str, ports: dict[int, int]) -> Addresses:
    return Addresses(
        f"postgresql://{owner}:{password}@127.0.0.1:{ports[5432]}/loctician",
        f"amqp://loctician:{password}@127.0.0.1:{ports[5672]}/",
        f"http://loctician:{password}@127.0.0.1:{ports[15672]}",
    )


@contextmanager
def throw_away() -> Iterator[Addresses]:
    """Two containers that are gone with the test run. Raises EngineNotUsableError where they cannot be started."""
    require_images(POSTGRES, RABBITMQ, testcontainers_config.ryuk_image)
    with ExitStack() as containers:
        try:
            addresses = _started(containers)
        except (DockerException, RequestException, OSError, RuntimeError) as error:
            raise EngineNotUsableError(f"containers do not start: {last_line(str(error))}") from error
        yield addresses


def _started(containers: ExitStack) -> Addresses:
    password = "of-throw-away-containers"  # noqa: S105 - reachable on loopback, for minutes
    postgres = DockerContainer(POSTGRES).with_env("POSTGRES_PASSWORD", password).with_exposed_ports(5432)
    rabbitmq = DockerContainer(RABBITMQ).with_exposed_ports(5672, 15672)
    rabbitmq.with_env("RABBITMQ_DEFAULT_USER", "loctician").with_env("RABBITMQ_DEFAULT_PASS", password)
    for container in (postgres, rabbitmq):
        containers.enter_context(container)
    _until(lambda: _owner_made(postgres, password), "PostgreSQL")
    ports = {5432: int(postgres.get_exposed_port(5432))}
    ports |= {port: int(rabbitmq.get_exposed_port(port)) for port in (5672, 15672)}
    _until(lambda: listens(ports[15672], password, 5672), "RabbitMQ")
    return _addresses("loctician", password, ports)


def _owner_made(postgres: DockerContainer, password: str) -> bool:
    ready = postgres.exec(["psql", "-h", "127.0.0.1", "-U", "postgres", "-qc", "SELECT 1"])
    if ready.exit_code:
        return False
    for statement in OWNER.format(password=password).strip().splitlines():
        postgres.exec(["psql", "-h", "127.0.0.1", "-U", "postgres", "-qc", statement])
    return True


@contextmanager
def compose(folder: Path) -> Iterator[Addresses]:
    """PostgreSQL and RabbitMQ of deploy/compose/servers.yml, in a project of this folder; their volumes stay.

    Raises EngineNotUsableError where they cannot be started, and ends the process where volumes of an earlier
    `.local` of this folder are left, whose passwords are gone.
    """
    require_compose()
    require_images(POSTGRES, RABBITMQ)
    folder.mkdir(parents=True, exist_ok=True)
    state, owner = State(folder / "containers.json"), f"loctician_{digest(folder)}"
    project = _project(state, folder)
    ports = {inside: state.port(f"container-{inside}", free_port) for inside in (5432, 5672, 15672)}
    password = state.secret("containers")
    environment = {
        **os.environ,
        "POSTGRES_PORT": str(ports[5432]),
        "AMQP_PORT": str(ports[5672]),
        "AMQP_MANAGEMENT_PORT": str(ports[15672]),
        "DATABASE_OWNER": owner,
        "SECRETS": str(_secrets(folder / "secrets", password)),
    }
    command = ["docker", "compose", "-f", str(SERVERS), "--project-name", project]
    with _ended_at_the_end([*command, "down"], environment):
        _start([*command, "up", "--detach", "--wait", "--quiet-pull"], environment)
        try:
            _until(lambda: listens(ports[15672], password, 5672), "RabbitMQ")
        except RuntimeError as error:
            raise EngineNotUsableError(f"containers do not start: {error}") from error
        yield _addresses(owner, password, ports)


def _project(state: State, folder: Path) -> str:
    """The name of the folder's project. Volumes of an earlier state cannot be opened, since its passwords are gone."""
    project, known = f"loctician-{digest(folder)}", state.get("project")
    if known is None and state.get("secret-containers"):
        known = COMMON_PROJECT
    if known not in (None, project):
        _say(
            f"Earlier data of this folder are in the Compose project {known}; this one is {project}."
            f" To remove the earlier ones: docker compose --project-name {known} down --volumes"
        )
    if known != project and _volumes(project):
        sys.exit(
            f"Volumes of an earlier .local of this folder are left, and their passwords are gone."
            f" Remove them: docker compose --project-name {project} down --volumes"
        )
    state.set("project", project)
    return project


def _volumes(project: str) -> list[str]:
    label = f"label=com.docker.compose.project={project}"
    command = ["docker", "volume", "ls", "--quiet", "--filter", label]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.split()


def _start(command: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired as error:
        raise EngineNotUsableError("containers do not start within 600 s") from error
    if done.returncode:
        raise EngineNotUsableError(f"containers do not start: {last_line(done.stderr)}")


@contextmanager
def _ended_at_the_end(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Runs the command at the end, also after SIGKILL: a shell waits for this process to close its end of a pipe."""
    waiting = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; exec "$@"', "sh", *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert waiting.stdin is not None  # noqa: S101 - narrows Popen's type
        waiting.stdin.close()
        waiting.wait(STOP_SECONDS)


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


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
