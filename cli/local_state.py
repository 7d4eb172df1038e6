"""The settings of a running `make up`, so that the operator's commands work in the project folder without any."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from dotenv import dotenv_values

LOCAL = Path(__file__).parents[1] / ".local"
LOCK, STATE = "up.lock", "up.json"  # the lock is held while `make up` runs
ADDRESSES = ("DATABASE_URL", "AMQP_URL")
WITHOUT_SETTINGS = ("contracts", "mail", "secrets")
NOT_RUNNING = 2  # the exit code
HOW_TO_START = (
    "Nothing runs here: start it with `make up`, or set DATABASE_URL, AMQP_URL and SECRET_KEY (.env.example)."
)
STARTING = "`make up` has just begun; try again when it says that Loctician is ready."


@contextmanager
def kept(environment: Mapping[str, str], folder: Path = LOCAL) -> Iterator[None]:
    """Keeps the settings of the processes in a file that only its owner can read, for the duration of the block."""
    file = folder / STATE
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_text(json.dumps(dict(environment), indent=2))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def use(command: str | None, arguments: Sequence[str], folder: Path = LOCAL) -> None:
    """Takes the settings of the running `make up`, unless the environment or `.env` says where the servers are.

    Ends the process with one clear line if there are none at all and the command needs them.
    """
    if command in (None, *WITHOUT_SETTINGS) or "--help" in arguments or _has_settings():
        return
    if not _is_running(folder):
        _stop(HOW_TO_START)
    try:
        settings: dict[str, str] = json.loads((folder / STATE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        _stop(STARTING)
    os.environ.update({name: value for name, value in settings.items() if name not in os.environ})


def _stop(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    sys.exit(NOT_RUNNING)


def _has_settings() -> bool:
    names = [name for address in ADDRESSES for name in (address, f"{address}_FILE")]
    return any(map(os.environ.get, names)) or any(map(dotenv_values(".env").get, ADDRESSES))


def _is_running(folder: Path) -> bool:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
