"""Child processes that end with their parent, whatever happens to it."""

import ctypes
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 30
PORTS, MOST_TRIES = range(20_000, 32_000), 100


def unprivileged(name: str) -> pwd.struct_passwd | None:
    """The user to become: PostgreSQL refuses to run as root. None where we are not root anyway."""
    if os.geteuid() != 0:
        return None
    for candidate in (name, "nobody"):
        try:
            return pwd.getpwnam(candidate)
        except KeyError:
            continue
    return None


def die_with_parent(how: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends, on Linux."""
    _dies_with_parent(how)()


def _dies_with_parent(how: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(how))

    return prepare


def spawn(
    command: Sequence[str | Path],
    log: Path,
    user: pwd.struct_passwd | None = None,
    environment: Mapping[str, str] | None = None,
    end: signal.Signals = signal.SIGTERM,
    folder: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that Ctrl-C reaches us first; `end` is sent if we die."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            preexec_fn=_dies_with_parent(end),
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask once, wait, then insist."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


_given: set[int] = set()  # ports: the server of one may be about to start


def free_port(preferred: int | None = None) -> int:
    """The preferred one where it is free. Others are below those that systems give to outgoing connections: one of
    these could be in use by the time its server starts, or starts again. None is given twice in a process."""
    others = [port for port in random.sample(PORTS, MOST_TRIES) if port not in _given]
    for port in others if preferred is None else (preferred, *others):
        with socket.socket() as probe:
            # As servers do: a port whose last connections still linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen()
            except OSError:
                continue
            _given.add(port)
            return port
    raise OSError("no free port on 127.0.0.1")
