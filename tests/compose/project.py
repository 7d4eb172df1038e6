"""A Compose project in a folder as a fresh clone leaves it, with ports, networks and images of its own."""

import os
import random
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.processes import free_port

ROOT = Path(__file__).parents[2]
IMAGES = (
    "python:3.11-slim-bookworm",
    "postgres:17-alpine",
    "rabbitmq:4-management-alpine",
    "axllent/mailpit:v1.27",
    "caddy:2-alpine",
)
PORTS = ("EDGE_HTTP_PORT", "EDGE_HTTPS_PORT", "GATEWAY_PORT", "POSTGRES_PORT", "AMQP_PORT", "MAILPIT_PORT")
COMMAND_SECONDS = 300
START_SECONDS = 900  # with the images built, on two cores
ROOT_CERTIFICATE = "/certificates/caddy/pki/authorities/local/root.crt"


def missing() -> str | None:
    """What these tests need and do not find: an engine with Compose, or an image."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if shutil.which("docker") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            return f"`{' '.join(command)}` fails"
    for image in IMAGES:
        here = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
        if (
            here.returncode
            and subprocess.run(["docker", "pull", "-q", image], capture_output=True, check=False).returncode
        ):
            return f"the image {image} is not here and cannot be pulled"
    return None


def say(text: str) -> None:
    """Figures of this run, which `make test-compose` shows."""
    print(text)  # noqa: T201


@dataclass
class Project:
    folder: Path
    name: str
    ports: dict[str, int]
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the edge."""
        return f"https://localhost:{self.ports['EDGE_HTTPS_PORT']}"

    def run(
        self, *command: str, check: bool = True, seconds: float = COMMAND_SECONDS, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """In the project's folder, as an operator does there."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_HOST")},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done

    def compose(self, *arguments: str, check: bool = True, seconds: float = COMMAND_SECONDS) -> str:
        done = self.run("docker", "compose", *arguments, check=check, seconds=seconds)
        return done.stdout + ("" if check else done.stderr)

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("docker", "compose", "run", "--rm", "-T", "cli", *arguments, check=check)

    def up(self, *arguments: str) -> float:
        """Starts it, on trial with the demo salon, and waits until every container is healthy. Returns the seconds."""
        started = time.monotonic()
        if "local.yml" in self.settings["COMPOSE_FILE"]:
            self.compose("build", seconds=START_SECONDS)
            self.compose("run", "--rm", "-T", "migrate")
            self.cli("demo")
        self.compose("up", "--detach", "--wait", *arguments, seconds=START_SECONDS)
        return time.monotonic() - started

    def down(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)

    def states(self) -> dict[str, str]:
        """Service -> healthy, starting, unhealthy, or the state of a container without a health check."""
        listed = self.compose("ps", "--all", "--format", "{{.Service}} {{.State}} {{.Health}}").splitlines()
        return {service: health or state for service, state, health in (f"{line} ".split(" ")[:3] for line in listed)}

    def container(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).split()[0]

    def kill(self, service: str) -> None:
        """SIGKILL to all its processes, as when the kernel ends it; its restart policy starts it again."""
        container = self.container(service)
        process = self.run("docker", "inspect", "--format", "{{.State.Pid}}", container).stdout.strip()
        try:
            os.kill(int(process), 9)
        except (
            ProcessLookupError,
            PermissionError,
        ):  # of an engine elsewhere, which takes `kill` for a wish to stop it
            self.run("docker", "kill", container)
            self.run("docker", "start", container)

    def trust(self) -> ssl.SSLContext:
        """Trusts the certificate authority of this edge."""
        return ssl.create_default_context(cadata=self.compose("exec", "-T", "edge", "cat", ROOT_CERTIFICATE))


def clone(folder: Path) -> None:
    """What git would check out, changes included that are not committed."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in names.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@contextmanager
def project(folder: Path, files: Sequence[str], **settings: str) -> Iterator[Project]:
    """Made as docs/operations.md says, not started yet. Taken down at the end with its data."""
    clone(folder)
    name = f"loctician-test-{os.getpid()}-{random.randrange(10_000)}"
    ports = {variable: free_port() for variable in (*PORTS, "AMQP_MANAGEMENT_PORT")}
    own = {
        "COMPOSE_PROJECT_NAME": name,
        "COMPOSE_FILE": ":".join(files),
        "SUBNET_PREFIX": f"10.{random.randrange(64, 250)}",
        "EDGE_ADDRESS": "127.0.0.1",
        **{variable: str(port) for variable, port in ports.items()},
        **settings,
    }
    made = Project(folder, name, ports, own)
    made.run("deploy/compose/secrets.sh", seconds=START_SECONDS)
    made.run("cp", ".env.example", ".env")
    with (folder / ".env").open("a") as file:
        file.writelines(f"{variable}={value}\n" for variable, value in own.items())
    try:
        yield made
    finally:
        made.down()
        made.run(
            "sh", "-c", f"docker image ls --quiet --filter 'reference={name}/*' | xargs -r docker image rm --force"
        )
