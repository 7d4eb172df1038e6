"""The processes of `make up`: started with a log file each, watched, and ended together."""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.logfiles import begin, bound
from provisioning.leftovers import marked
from provisioning.processes import spawn

POLL_SECONDS, BOUND_SECONDS, STOP_SECONDS = 0.2, 5.0, 20.0


@dataclass
class Started:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    health: str | None  # the address that answers 200 once it is ready; None: ready when started


@dataclass(frozen=True)
class Told:
    """Who is told what happens."""

    ready: Callable[[Started], None]
    all_ready: Callable[[], None]
    late: Callable[[list[Started]], None]


@contextmanager
def running(
    commands: Mapping[str, str], health: Mapping[str, str], environment: Mapping[str, str], root: Path, local: Path
) -> Iterator[list[Started]]:
    """Starts the shell commands; each ends with this process, whatever happens to it. Ends them all at the end."""
    started: list[Started] = []
    try:
        for name, command in commands.items():
            log = begin(local / "log" / f"{name}.log")
            process = spawn(["/bin/sh", "-c", command], log, environment=marked(local, environment), folder=root)
            started.append(Started(name, process, log, health.get(name)))
        yield started
    finally:
        stop_all(started)


def stop_all(started: list[Started]) -> None:
    """Asks all at once, then insists."""
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    for one in started:
        try:
            one.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait(STOP_SECONDS)


def watch(started: list[Started], told: Told, ready_seconds: float) -> Started:
    """Until one ends, which is returned. Tells each that gets ready, and those that are not in time."""
    waiting, until, bounded_at = list(started), time.monotonic() + ready_seconds, time.monotonic()
    while True:
        for one in started:
            if one.process.poll() is not None:
                return one
        for one in [one for one in waiting if _answers(one.health)]:
            waiting.remove(one)
            told.ready(one)
            if not waiting:
                told.all_ready()
        if waiting and time.monotonic() > until:
            told.late(waiting)
            until = float("inf")
        if time.monotonic() - bounded_at > BOUND_SECONDS:
            bound(started[0].log.parent)
            bounded_at = time.monotonic()
        time.sleep(POLL_SECONDS)


def _answers(address: str | None) -> bool:
    if address is None:
        return True
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
