"""A private RabbitMQ of the system's packages, with an epmd of its own so that another one is not disturbed."""

import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.leftovers import marked
from provisioning.processes import free_port, spawn, stop, unprivileged
from provisioning.state import State

START_SECONDS = 90
USER = "loctician"


def server_command() -> str | None:
    # Debian's wrapper in /usr/sbin insists on its own user and folders; the script below it does not.
    for path in ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/lib64/rabbitmq/bin/rabbitmq-server"):
        if Path(path).exists():
            return path
    return shutil.which("rabbitmq-server")


@contextmanager
def rabbitmq(folder: Path, state: State, logs: Path | None = None) -> Iterator[tuple[str, str]]:
    """The AMQP address and that of the management API, once both answer."""
    command, epmd = server_command(), shutil.which("epmd")
    assert command is not None  # noqa: S101 - the caller has installed it
    assert epmd is not None  # noqa: S101 - comes with Erlang
    user, data, password = unprivileged("rabbitmq"), folder / "rabbitmq", state.secret("rabbitmq")
    ports = {name: state.port(f"rabbitmq-{name}", free_port) for name in ("amqp", "management", "dist", "epmd")}
    (data / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{ports['amqp']}\n"
        f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {ports['management']}\n"
        f"default_user = {USER}\ndefault_pass = {password}\n"
        "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 50MB\n"
    )
    (data / "enabled_plugins").write_text("[rabbitmq_management].\n")
    log = (logs or folder) / "rabbitmq.log"
    name_server = spawn(
        [epmd, "-address", "127.0.0.1", "-port", str(ports["epmd"])], log, user, marked(folder), signal.SIGKILL
    )
    server = None
    try:
        server = spawn([command], log, user, marked(folder, _environment(data, ports)))
        management = f"http://{USER}:{password}@127.0.0.1:{ports['management']}"
        _wait(server, ports, password, log)
        yield f"amqp://{USER}:{password}@127.0.0.1:{ports['amqp']}/", management
    finally:
        if server is not None:
            stop(server)
        stop(name_server, signal.SIGKILL)  # epmd holds nothing and ignores gentler signals


def _environment(data: Path, ports: dict[str, int]) -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin",
        "HOME": str(data),
        "LANG": "C.UTF-8",
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_LOGS": "-",  # to standard output, which is kept in a file of bounded length
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_NODENAME": "loctician@localhost",
        "RABBITMQ_DIST_PORT": str(ports["dist"]),
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # The script then becomes the server itself, which so ends with us; it does not busy-wait while idle.
        "RABBITMQ_ALLOW_INPUT": "true",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput +sbwt none +sbwtdcpu none +sbwtdio none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }


def _wait(server: subprocess.Popen[bytes], ports: dict[str, int], password: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if listens(ports["management"], password, ports["amqp"]):
            return
        time.sleep(0.2)
    raise RuntimeError(f"RabbitMQ did not start; its log says: {log.read_text()[-1000:]}")


def listens(management_port: int, password: str, amqp_port: int) -> bool:
    """Whether it takes AMQP connections, on the port that it knows as its own: it does once it has booted, its vhost
    and user included. (The older aliveness test leaves a transient queue behind, which RabbitMQ 4 deprecates.)"""
    address = f"http://127.0.0.1:{management_port}/api/health/checks/port-listener/{amqp_port}"
    request = urllib.request.Request(address)
    request.add_header("Authorization", "Basic " + b64encode(f"{USER}:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
