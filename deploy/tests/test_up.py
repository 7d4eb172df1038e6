"""`make up` in a copy of this folder: what it says, and what SIGKILL leaves of it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.local.up import LOGINS, SERVICES
from provisioning.leftovers import left_over, marked
from provisioning.postgres import binaries
from provisioning.processes import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS, END_SECONDS = 240.0, 60.0
PROCESSES = ("PostgreSQL", "RabbitMQ", "migrations", "mail", *SERVICES, "gateway")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None or sys.platform != "linux", reason="needs the system's packages, and /proc"),
]


def eventually(holds: Callable[[], object], seconds: float, what: Callable[[], str]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what()
        time.sleep(0.1)


class Up:
    """A checkout of its own, without an engine, in which `make up` is started and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.local, self.output = folder, folder / ".local", folder.parent / "output"
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        docker = folder.parent / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text("#!/bin/sh\nexit 1\n")
        docker.chmod(0o755)
        self.port = free_port()

    def start(self) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": f"{self.folder.parent / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "GATEWAY_PORT": str(self.port),
            "COLUMNS": "100",
        }
        with self.output.open("wb") as output:
            # make would install the locked packages again, since the copied lock is newer
            return subprocess.Popen(
                ["make", "--assume-old=.venv/.installed", "up"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines()

    def until_said(self, beginning: str) -> None:
        eventually(
            lambda: any(line.startswith(beginning) for line in self.lines()),
            START_SECONDS,
            lambda: "\n".join(self.lines()),
        )

    def until_nothing_runs(self) -> None:
        eventually(lambda: not self.running(), END_SECONDS, lambda: str(self.running()))

    def running(self) -> list[psutil.Process]:
        """Those marked, and every other with the folder in its command line, working folder or environment."""
        found = left_over(self.local)
        for process in psutil.process_iter():
            try:
                described = [*process.cmdline(), process.cwd(), *process.environ().values()]
            except psutil.Error:
                continue
            if process.pid != os.getpid() and any(str(self.folder) in text for text in described):
                found.append(process)
        return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def up() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="loctician-up-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # the servers run as users of their own
        (Path(name) / "checkout").mkdir()
        checkout = Up(Path(name) / "checkout")
        yield checkout
        for process in checkout.running():
            process.kill()


def test_says_a_line_a_process_and_the_address_last_and_nothing_outlives_a_kill(up: Up) -> None:
    make = up.start()
    up.until_said("Open ")
    lines = up.lines()
    assert sorted(line.split()[0] for line in lines if line.split()[1:2] in (["ready"], ["done"])) == sorted(PROCESSES)
    assert len(lines) < 35, "no log line among them"
    assert all(any(names.split(",")[0] in line for line in lines) for names in LOGINS)
    assert lines[-1] == f"Open http://127.0.0.1:{up.port}/docs"
    assert httpx.get(lines[-1].removeprefix("Open "), timeout=10).status_code == 200
    logs = {log.stem for log in (up.local / "log").glob("*.log")}
    assert logs == {"postgres", "rabbitmq", "prepare", "mail", "gateway", *SERVICES}
    followed = subprocess.run(
        [sys.executable, "-m", "deploy.local.logs", "nothing"], cwd=up.folder, capture_output=True, text=True
    )
    assert followed.returncode == 1
    assert followed.stderr.startswith("There is no log of nothing. There are: auth, booking,")

    [python] = psutil.Process(make.pid).children() or [psutil.Process(make.pid)]
    assert len(up.running()) > len(PROCESSES) - 1
    python.send_signal(signal.SIGKILL)
    make.wait(END_SECONDS)
    up.until_nothing_runs()

    left = subprocess.Popen(["sleep", "300"], env=marked(up.local), start_new_session=True)
    again = up.start()
    up.until_said("RabbitMQ")
    assert up.lines()[0] == "Ended processes that an earlier run had left: 1."
    assert left.wait(10) == -signal.SIGTERM
    os.kill(again.pid, signal.SIGKILL)  # make itself, or what it has become
    again.wait(10)
    up.until_nothing_runs()
