"""What the image runs, run here."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.tests.documents import ROOT
from provisioning.processes import free_port
from shared.settings import Roles, load
from shared.testing.servers import SECRET_KEY, Servers

START = ROOT / "deploy" / "image" / "start.sh"
START_SECONDS = 120.0


def environment(servers: Servers, **more: str) -> dict[str, str]:
    python = str(Path(sys.executable).parent)
    return {
        "PATH": f"{python}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": os.environ.get("SECRET_KEY", SECRET_KEY),
        "DATABASE_URL": servers.database_url,
        "DATABASE_ROLE_PREFIX": load(Roles).database_role_prefix,
        "AMQP_URL": servers.amqp_url,
        "LISTEN_HOST": "127.0.0.1",
        **more,
    }


@contextmanager
def started(folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([START], cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def until_alive(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "it ended"
            assert time.monotonic() < until, "it did not start"
            time.sleep(0.1)


@pytest.mark.parametrize("service", ["gateway", "calendar"])
class TestStart:
    def test_the_script_becomes_the_server_and_ends_after_sigterm(
        self, service: str, servers: Servers, tmp_path: Path
    ) -> None:
        port = free_port()
        variables = environment(servers, SERVICE=service, LISTEN_PORT=str(port), WEBSOCKET_DRAIN_SECONDS="0")
        with started(tmp_path, variables) as process:
            until_alive(process, port)
            assert b"start.sh" not in Path(f"/proc/{process.pid}/cmdline").read_bytes(), (
                "a shell would keep the signals"
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(35) in {0, -signal.SIGTERM}


class TestForwarded:
    def test_nobody_is_believed_about_addresses_unless_named(self) -> None:
        assert "${FORWARDED_ALLOW_IPS:-127.0.0.1}" in START.read_text()


class TestCommand:
    def test_the_operators_image_takes_its_arguments(self, servers: Servers, tmp_path: Path) -> None:
        variables = environment(servers, SERVICE="cli", COLUMNS="200")
        done = subprocess.run(
            [START, "migrate", "--help"], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert "--check" in done.stdout


@pytest.mark.slow
class TestEveryProcessInOne:
    @pytest.mark.parametrize("how", ["one dies", "it is told to end"])
    def test_all_of_them_end_together(self, how: str, servers: Servers, tmp_path: Path) -> None:
        for name, file in (("start", "start.sh"), ("start-all", "all.sh")):
            (tmp_path / name).symlink_to(START.with_name(file))
        gateway, first = free_port(), free_port()
        names = ("AUTH", "BOOKING", "CALENDAR", "NOTIFICATIONS", "GDPR")
        urls = {f"{name}_URL": f"http://127.0.0.1:{first + number}" for number, name in enumerate(names)}
        variables = environment(servers, SERVICE="all", LISTEN_PORT=str(gateway), SERVICES_PORT=str(first), **urls)
        variables |= {"PATH": f"{tmp_path}:{variables['PATH']}", "WEBSOCKET_DRAIN_SECONDS": "0"}
        with started(tmp_path, variables) as process:
            until_alive(process, gateway)
            for number in range(len(names)):
                until_alive(process, first + number)
            children = [int(path.name) for path in Path("/proc").glob("[0-9]*") if parent(path) == process.pid]
            assert len(children) == 6
            if how == "one dies":
                os.kill(children[2], signal.SIGKILL)
            else:
                process.send_signal(signal.SIGTERM)
            assert process.wait(45) == (128 + signal.SIGKILL if how == "one dies" else 128 + signal.SIGTERM)
            assert [child for child in children if Path(f"/proc/{child}").exists()] == []


def parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
