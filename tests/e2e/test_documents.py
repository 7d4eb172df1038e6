"""The shell snippets of the documents run as they are written."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
import pytest

from shared.testing.servers import Servers
from shared.testing.waiting import until
from tests.e2e.salon import Json, bearer, free_slots, register
from tests.e2e.stack import Stack, eventually

ROOT = Path(__file__).parents[2]
SNIPPET = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECONDS = 120


def run(
    script: str, url: str, more: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "BASE": url, **more}
    command = ["bash", "-euxo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)


async def book(http: httpx.AsyncClient, token: str) -> Json:
    service_id = (await http.get("/api/v1/services")).json()["items"][0]["id"]
    slots = await eventually(lambda: free_slots(http, service_id), bool, "free slots")
    order = {"service_ids": [service_id], "loctician_id": slots[-1]["loctician_id"], "start": slots[-1]["start"]}
    answer = await http.post("/api/v1/bookings", json=order, headers=bearer(token))
    assert answer.status_code == 201, answer.text
    booking: Json = answer.json()
    return booking


@pytest.mark.slow
class TestSnippets:
    async def test_the_tour_of_the_api(self, stack: Stack) -> None:
        snippets = SNIPPET.findall((ROOT / "docs" / "api.md").read_text())
        result = await asyncio.to_thread(run, "\n".join(snippets), stack.url)
        assert result.returncode == 0, result.stdout + result.stderr[-3000:]
        lines = result.stdout.splitlines()
        assert lines[0] == "True", lines
        assert [line for line in lines if line in {"slot_taken", "cancelled"}] == ["slot_taken", "cancelled"]

    async def test_a_subscriber_from_nothing_to_a_running_program(
        self, stack: Stack, servers: Servers, tmp_path: Path
    ) -> None:
        if servers.management_url is None:
            pytest.skip("needs the broker's management plugin")
        page = (ROOT / "docs" / "events.md").read_text()
        [program] = PROGRAM.findall(page)
        (tmp_path / "subscriber.py").write_text(program)
        add, start, snapshot, look, operate, end = SNIPPET.findall(page)
        broker = urlsplit(stack.environment["AMQP_URL"])
        environment = stack.environment | {
            "AMQP_MANAGEMENT_URL": servers.management_url,
            "BROKER": broker.netloc.rpartition("@")[2],
            "VHOST": broker.path[1:],
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "COLUMNS": "80",
        }

        async def follow(*snippets: str) -> str:
            done = await asyncio.to_thread(run, "\n".join(snippets), stack.url, environment, tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr[-3000:] + log()
            return done.stdout

        def log() -> str:
            file = tmp_path / "shop.log"
            return file.read_text() if file.exists() else ""

        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            address, token = await register(http, "abonnent")
            before = await book(http, token)
            await follow(add, start, snapshot)
            seen = await eventually(lambda: follow(look), lambda text: "'booking'" in text, "the snapshot", 60.0)
            assert "'treatment': 8" in seen
            assert log() == "", "nothing of a snapshot is news"
            after = await book(http, token)
            await until(lambda: f"news: booking.created.v1 {after['id']}" in log(), seconds=30)
            assert before["id"] not in log()
            assert address not in log()
        shown = "shop: 0 waiting, 0 dead, 1 consumers"  # the management API counts some seconds late
        await eventually(lambda: follow(operate), lambda text: shown in text, "the subscriber's consumer", 30.0)
        assert "shop: removed" in await follow(end)

    async def test_the_first_booking_of_the_readme(self, stack: Stack) -> None:
        text = (ROOT / "README.md").read_text()
        snippet = SNIPPET.search(text[text.index("### A booking from the shell") :])
        assert snippet is not None
        result = await asyncio.to_thread(run, snippet[1], stack.url)
        assert result.returncode == 0, result.stdout + result.stderr[-3000:]
        assert " 201 " in result.stdout.splitlines()[0]
