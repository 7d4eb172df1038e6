"""The operator's commands, as docs/operations.md writes them for Compose."""

import asyncio
import shlex
from urllib.parse import urlsplit

import pytest

from deploy.tests.commands import operator_commands
from tests.compose.project import Project
from tests.e2e.operator import ADMIN, filled_in, lay_aside

pytestmark = [pytest.mark.compose, pytest.mark.slow]


async def test_they_work_as_written(trial: Project) -> None:
    secret = urlsplit((trial.folder / ".secrets" / "amqp_url").read_text().strip())
    amqp_url = f"amqp://{secret.username}:{secret.password}@127.0.0.1:{trial.ports['AMQP_PORT']}/"
    answers: dict[str, str] = {}
    for command in operator_commands():
        await lay_aside(amqp_url, "calendar", f"letter-{len(answers)}", "KeyError: 'start'")
        written = filled_in(command.compose, f"letter-{len(answers)}", answers)
        done = await asyncio.to_thread(trial.run, *shlex.split(written), check=False, stdin=ADMIN)
        assert done.returncode == (1 if command.words == "status" else 0), (written, done.stdout, done.stderr)
        answers[command.words] = done.stdout
    assert "Look at: calendar" in answers["status"], "a dead letter was there"
    assert "is an admin" in answers["create-admin"]
    assert "Compared with the ends noted outside the database" in answers["audit verify"]
    await asyncio.to_thread(trial.cli, "dead-letters", "discard", "calendar", "--all", "--yes")
