"""The shell snippets of the documents run as they are written."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import Stack

ROOT = Path(__file__).parents[2]
SNIPPET = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECONDS = 120


def run(script: str, url: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "BASE": url}
    command = ["bash", "-euxo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.slow
class TestSnippets:
    async def test_the_tour_of_the_api(self, stack: Stack) -> None:
        snippets = SNIPPET.findall((ROOT / "docs" / "api.md").read_text())
        result = await asyncio.to_thread(run, "\n".join(snippets), stack.url)
        assert result.returncode == 0, result.stdout + result.stderr[-3000:]
        lines = result.stdout.splitlines()
        assert lines[0] == "True", lines
        assert [line for line in lines if line in {"slot_taken", "cancelled"}] == ["slot_taken", "cancelled"]

    async def test_the_first_booking_of_the_readme(self, stack: Stack) -> None:
        text = (ROOT / "README.md").read_text()
        snippet = SNIPPET.search(text[text.index("### A booking from the shell") :])
        assert snippet is not None
        result = await asyncio.to_thread(run, snippet[1], stack.url)
        assert result.returncode == 0, result.stdout + result.stderr[-3000:]
        assert " 201 " in result.stdout.splitlines()[0]
