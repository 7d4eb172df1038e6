"""Servers that stay up between test runs. They end when no run has used them for a quarter of an hour."""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from provisioning.servers import Addresses, install_if_missing, provisioned

IDLE_SECONDS = 900.0
POLL_SECONDS = 2.0
START_SECONDS = 300.0
GRACE_SECONDS = 10.0  # from the start of the keeper until it holds its lock
ROOT = Path(__file__).parents[1]
ADDRESSES, IN_USE, KEEPER, LOG = "addresses.json", "in-use.lock", "keeper.lock", "keeper.log"


@contextmanager
def kept(folder: Path, idle_seconds: float = IDLE_SECONDS) -> Iterator[Addresses]:
    """The servers of `folder`; the first run starts them. Raises RuntimeError when they do not start."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / IN_USE).open("w") as in_use:
        fcntl.flock(in_use, fcntl.LOCK_SH)
        yield _running(folder) or _start(folder, idle_seconds)


def _running(folder: Path) -> Addresses | None:
    """The addresses, where the keeper's process is alive: it holds its lock."""
    try:
        addresses = Addresses(**json.loads((folder / ADDRESSES).read_text()))
    except FileNotFoundError:
        return None
    with (folder / KEEPER).open("a") as keeper:
        return None if _locked(keeper) else addresses


def _start(folder: Path, idle_seconds: float) -> Addresses:
    install_if_missing()
    (folder / ADDRESSES).unlink(missing_ok=True)
    command = [sys.executable, "-m", "provisioning.kept", str(folder), "--idle", str(idle_seconds)]
    with (folder / LOG).open("wb") as log:
        subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, timeout=60)
    end = alive_until = time.monotonic() + START_SECONDS
    while (addresses := _running(folder)) is None:
        with (folder / KEEPER).open("a") as keeper:
            ended = _locked(keeper)
        alive_until = min(alive_until, time.monotonic() + GRACE_SECONDS) if ended else end
        if time.monotonic() > alive_until:
            raise RuntimeError(f"the servers did not start; {folder / LOG} says: {_tail(folder / LOG)}")
        time.sleep(0.1)
    return addresses


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _locked(file: IO[str]) -> bool:
    """Whether the lock was free and is now held by this process, until the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep(folder: Path, idle_seconds: float) -> None:
    """Run the servers until no test run has held the lock for `idle_seconds`."""
    with (
        (folder / KEEPER).open("a") as keeper,
        tempfile.TemporaryDirectory(prefix="loctician-", ignore_cleanup_errors=True) as home,
    ):
        fcntl.flock(keeper, fcntl.LOCK_EX)  # a keeper that is ending may still hold it
        Path(home).chmod(0o755)  # the servers run as users of their own
        with provisioned(Path(home), durable=False) as addresses:
            _publish(folder, addresses)
            _wait_until_idle(folder, idle_seconds)


def _publish(folder: Path, addresses: Addresses) -> None:
    complete = folder / f"{ADDRESSES}.new"
    complete.touch(0o600)
    complete.write_text(json.dumps(asdict(addresses)))
    complete.replace(folder / ADDRESSES)


def _wait_until_idle(folder: Path, idle_seconds: float) -> None:
    used_at = time.monotonic()
    while True:
        time.sleep(min(POLL_SECONDS, idle_seconds))
        with (folder / IN_USE).open("a") as in_use:
            if not _locked(in_use):
                used_at = time.monotonic()
            elif time.monotonic() - used_at > idle_seconds:
                # under the lock: a run that starts now finds no address and starts a keeper of its own
                (folder / ADDRESSES).unlink(missing_ok=True)
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds without a run until the end")
    options = parser.parse_args()
    if os.fork():  # the servers outlive the run that starts them
        os._exit(0)
    os.setsid()
    for name in ("DATABASE_URL", "AMQP_URL", "AMQP_MANAGEMENT_URL"):
        os.environ.pop(name, None)
    keep(options.folder, options.idle)


if __name__ == "__main__":
    main()
