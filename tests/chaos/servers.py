"""PostgreSQL and RabbitMQ of the run's own, which can be killed and come back with their data."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from provisioning.postgres import postgres
from provisioning.processes import unprivileged
from provisioning.rabbitmq import USER, rabbitmq
from provisioning.state import State
from shared.settings import Roles, load

START_SECONDS = 60.0


class Server:
    """One server process; `pid_file` holds its id in the first line."""

    def __init__(self, start: Callable[[], AbstractContextManager[str]], pid_file: Path) -> None:
        self._start = start
        self._pid_file = pid_file
        self._running: AbstractContextManager[str] | None = None
        self.url = ""

    async def start(self) -> None:
        """Again and again: what a killed server leaves behind may hold up the next one for a moment."""
        until = time.monotonic() + START_SECONDS
        while True:
            running = self._start()
            try:
                self.url = await asyncio.to_thread(running.__enter__)
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.5)
            else:
                self._running = running
                return

    async def kill(self) -> None:
        os.kill(int(self._pid_file.read_text().split()[0]), signal.SIGKILL)
        await self.stop()

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await asyncio.to_thread(running.__exit__, None, None, None)


def prepared(folder: Path) -> tuple[Server, Server]:
    """PostgreSQL and RabbitMQ with folders of their own in `folder`."""
    folder.chmod(0o755)
    for name in ("postgres", "rabbitmq"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        if user := unprivileged(name):
            os.chown(folder / name, user.pw_uid, user.pw_gid)
    state = State(folder / "state.json")
    owner = load(Roles).database_role_prefix  # the services' logins have the prefix of their database's owner

    def broker() -> AbstractContextManager[str]:
        return _First(rabbitmq(folder, state))

    return (
        Server(lambda: postgres(folder, state, owner=owner, durable=True), folder / "postgres" / "postmaster.pid"),
        Server(broker, folder / "rabbitmq" / "pid"),
    )


def management_url(folder: Path) -> str:
    """Of the broker that `prepared` has started in this folder."""
    state = State(folder / "state.json")
    port = state.port("rabbitmq-management", lambda known: known or 0)
    return f"http://{USER}:{state.secret('rabbitmq')}@127.0.0.1:{port}"


class _First(AbstractContextManager[str]):
    """The first of the two addresses that the broker's context gives."""

    def __init__(self, both: AbstractContextManager[tuple[str, str]]) -> None:
        self._both = both

    def __enter__(self) -> str:
        return self._both.__enter__()[0]

    def __exit__(self, *error: object) -> None:
        with suppress(ProcessLookupError):
            self._both.__exit__(None, None, None)
