"""The operator's command against the running platform."""

import json
from subprocess import CompletedProcess
from urllib.parse import quote, urlsplit

import httpx
import pytest

from cli.tests.command import call, start
from shared.testing.servers import Servers
from tests.e2e.operator import lay_aside as lay_letter_aside
from tests.e2e.stack import ROOT, Stack, eventually


async def run(stack: Stack, *arguments: str) -> CompletedProcess[str]:
    return await call(stack.environment, *arguments)


async def lay_aside(stack: Stack, service: str, message_id: str) -> None:
    await lay_letter_aside(stack.environment["AMQP_URL"], service, message_id)


@pytest.mark.slow
class TestOperating:
    async def test_status_fails_while_there_is_a_dead_letter(self, stack: Stack) -> None:
        well = await eventually(lambda: run(stack, "status"), lambda done: done.returncode == 0, "a good status", 30.0)
        for service in ("auth", "booking", "calendar", "notifications", "gdpr"):
            assert service in well.stdout
        await lay_aside(stack, "calendar", "lost-1")
        await lay_aside(stack, "calendar", "lost-2")
        ill = await eventually(lambda: run(stack, "status"), lambda done: done.returncode == 1, "a bad status", 30.0)
        assert "Look at: calendar" in ill.stdout

        listed = await run(stack, "dead-letters", "list", "calendar", "--error", "defect")
        assert {"lost-1", "lost-2"} <= set(listed.stdout.split())
        shown = await run(stack, "dead-letters", "show", "calendar", "lost-1")
        assert '{"lost": true}' in shown.stdout
        none = await run(stack, "dead-letters", "list", "calendar", "--since", "2026-03-03")
        assert "lost-1" not in none.stdout
        refused = await run(stack, "dead-letters", "discard", "calendar", "lost-1")
        assert refused.returncode != 0, "without --yes and without anybody to answer nothing is thrown away"
        gone = await run(stack, "dead-letters", "discard", "calendar", "--type", "thing.lost.v1", "--yes")
        assert "2 discarded" in gone.stdout
        await eventually(lambda: run(stack, "status"), lambda done: done.returncode == 0, "a good status", 30.0)

    async def test_jobs_of_every_schema_are_listed(self, stack: Stack) -> None:
        listed = await eventually(
            lambda: run(stack, "jobs", "--service", "gateway"), lambda done: "done" in done.stdout, "a run", 30.0
        )
        assert "purge_used_tickets" in listed.stdout
        every = await run(stack, "jobs")
        assert every.stdout.count("apply_retention") == 5
        assert "purge_used_tickets" in every.stdout

    async def test_jobs_are_readable_at_80_columns_and_complete_in_json(self, stack: Stack) -> None:
        environment = stack.environment | {"COLUMNS": "80"}
        shown = await call(environment, "jobs")
        listed = json.loads((await run(stack, "jobs", "--json")).stdout)
        lines = shown.stdout.rstrip("\n").split("\n")
        assert len(lines) == len(listed) + 1, "a line for each job"
        assert max(map(len, lines)) <= 80
        for line, job in zip(lines[1:], listed, strict=True):
            assert line.split()[:2] == [job["service"], job["job"]]
        assert {job["result"] for job in listed} <= {"done", "failed", "never"}
        assert all(job["every_seconds"] > 0 for job in listed)

    async def test_dead_letters_are_replayed_as_the_page_says(self, stack: Stack) -> None:
        """docs/operations.md, Dead letters: a filter, an id, or --all."""
        page = (ROOT / "docs" / "operations.md").read_text()
        assert "loctician dead-letters replay calendar --error KeyError     # or <id>, or --all" in page
        for number in range(3):
            await lay_aside(stack, "calendar", f"again-{number}")
        refused = await run(stack, "dead-letters", "replay", "calendar")
        assert refused.returncode == 2, "all only by name"
        both = await run(stack, "dead-letters", "replay", "calendar", "again-0", "--all")
        assert both.returncode == 2
        assert "1 replayed" in (await run(stack, "dead-letters", "replay", "calendar", "again-0")).stdout
        listed = await eventually(
            lambda: run(stack, "dead-letters", "list", "calendar"),
            lambda done: "again-0" in done.stdout,
            "it back",
            30.0,
        )
        assert {"again-0", "again-1", "again-2"} <= set(listed.stdout.split()), "undecodable, so it is dead again"
        assert "3 replayed" in (await run(stack, "dead-letters", "replay", "calendar.dead", "--all")).stdout
        await eventually(
            lambda: run(stack, "dead-letters", "list", "calendar"),
            lambda done: "again-2" in done.stdout,
            "them back",
            30.0,
        )
        assert "3 discarded" in (await run(stack, "dead-letters", "discard", "calendar", "--all", "--yes")).stdout

    async def test_an_unknown_service_is_an_error_in_one_line(self, stack: Stack) -> None:
        done = await start(stack.environment, "dead-letters", "list", "nobody")
        assert done.returncode == 2
        assert "there is no queue nobody.dead" in done.stderr
        assert "Traceback" not in done.stderr

    async def test_nothing_on_the_broker_is_deprecated_or_removed_in_rabbitmq_4(
        self, stack: Stack, servers: Servers
    ) -> None:
        """Mirrored queues (made by policies), transient ones that outlive their connection, and prefetch for a whole
        channel: RabbitMQ 4.0, release notes and "Deprecated Features"."""
        if servers.management_url is None:
            pytest.skip("needs the broker's management plugin")
        vhost = quote(urlsplit(stack.environment["AMQP_URL"]).path[1:], safe="")
        async with httpx.AsyncClient(base_url=servers.management_url, timeout=10) as management:
            queues = (await management.get(f"/api/queues/{vhost}")).raise_for_status().json()
            policies = (await management.get(f"/api/policies/{vhost}")).raise_for_status().json()
            channels = (await management.get(f"/api/vhosts/{vhost}/channels")).raise_for_status().json()
            deprecated = await management.get("/api/deprecated-features/used")
        assert {"booking.events", "notifications.dead", "gdpr.retry.10m"} <= {queue["name"] for queue in queues}
        lasting = [queue for queue in queues if not queue["exclusive"]]
        assert len(lasting) < len(queues), "the gateway's own goes with its connection"
        assert {(queue["type"], queue["durable"]) for queue in lasting} <= {("quorum", True), ("stream", True)}
        assert policies == []
        assert deprecated.status_code == 404 or deprecated.json() == []  # told by RabbitMQ from 3.13 on
        assert channels
        assert {channel.get("global_prefetch_count", 0) for channel in channels} == {0}
