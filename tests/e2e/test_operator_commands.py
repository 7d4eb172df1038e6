"""The operator's commands, as docs/operations.md writes them for `make up`."""

import asyncio
import shlex
import subprocess

import pytest

from deploy.tests.commands import operator_commands
from tests.e2e.operator import ADMIN, filled_in, lay_aside
from tests.e2e.stack import ROOT, Stack, eventually
from tests.e2e.test_operations import run

IN_A_SHELL = ("status", "create-admin")  # the others in the test's process, which is faster


@pytest.mark.slow
class TestCommandsOfThePage:
    async def test_they_work_as_written(self, stack: Stack) -> None:
        answers: dict[str, str] = {}
        for command in operator_commands():
            await lay_aside(stack.environment["AMQP_URL"], "calendar", f"letter-{len(answers)}", "KeyError: 'start'")
            words = filled_in(command.words, f"letter-{len(answers)}", answers)
            if words in IN_A_SHELL:
                written = command.make_up
                done = await asyncio.to_thread(
                    subprocess.run,
                    ["sh", "-c", written],
                    cwd=ROOT,
                    env=stack.environment,
                    input=ADMIN,
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
            else:
                done = await run(stack, *shlex.split(words))
            assert done.returncode == (1 if words == "status" else 0), (words, done.stdout, done.stderr)
            answers[command.words] = done.stdout
        assert "Look at: calendar" in answers["status"], "a dead letter was there"
        assert "is an admin" in answers["create-admin"]
        await eventually(
            lambda: run(stack, "dead-letters", "discard", "calendar", "--all", "--yes"),
            lambda done: "0 discarded" in done.stdout,
            "no dead letter left",
            30.0,
        )
