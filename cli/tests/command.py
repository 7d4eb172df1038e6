"""The operator's command: `call` runs it within the test's process, `start` in one of its own, as a shell does."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from typer.testing import CliRunner

from cli.main import app
from shared.settings import Roles, load

ROOT = Path(__file__).parents[2]
WIDTH = {"COLUMNS": "200", "DATABASE_ROLE_PREFIX": load(Roles).database_role_prefix}
_lock = threading.Lock()  # the runner replaces the environment and the output of the whole process


def invoke(environment: Mapping[str, str], *arguments: str) -> CompletedProcess[str]:
    """Not from a coroutine: commands have an event loop of their own. Raises what the command does not handle."""
    with _lock:
        result = CliRunner().invoke(app, arguments, env=WIDTH | dict(environment), catch_exceptions=False)
    return CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


async def call(environment: Mapping[str, str], *arguments: str) -> CompletedProcess[str]:
    return await asyncio.to_thread(invoke, environment, *arguments)


async def start(environment: Mapping[str, str], *arguments: str) -> CompletedProcess[str]:
    return await asyncio.to_thread(_start, environment, *arguments)


def _start(environment: Mapping[str, str], *arguments: str) -> CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        env=WIDTH | dict(environment),
        capture_output=True,
        text=True,
        timeout=120,
    )
