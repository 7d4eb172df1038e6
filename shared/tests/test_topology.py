import json
from pathlib import Path

import httpx
import pytest

from migrations import topology as declared
from shared.messaging import topology
from shared.testing.servers import Servers
from shared.testing.waiting import until
from shared.tests.support import BINDINGS, QUICK, Queues, looking


class TestNames:
    @pytest.mark.parametrize(
        ("delay", "name"), [(1_000, "1s"), (10_000, "10s"), (60_000, "1m"), (600_000, "10m"), (1_500, "1500ms")]
    )
    def test_retry_queue_tells_its_delay(self, delay: int, name: str) -> None:
        assert topology.retry_queue("shop", delay) == f"shop.retry.{name}"

    def test_bindings_come_from_the_generated_file(self, tmp_path: Path) -> None:
        path = tmp_path / "topology.json"
        path.write_text(json.dumps(BINDINGS))
        assert topology.load(path) == BINDINGS


class TestDeclaring:
    async def test_declared_twice_is_the_same(self, broker: str) -> None:
        async with looking(broker) as queues:
            await queues.declare("shop")
            await queues.declare("shop", "mill")
            assert await queues.waiting("mill.dead") == 0

    async def test_a_stream_keeps_what_came_before_its_first_reader(self, broker: str) -> None:
        async with looking(broker) as queues:
            await queues.declare()
            await queues.publish(topology.EVENTS, "session.revoked.v1", b"{}")
            await until(lambda: _holds(queues, topology.REVOCATIONS, 1))

    async def test_every_queue_is_replicated_and_none_drops_a_message(self, broker: str, servers: Servers) -> None:
        if servers.management_url is None:
            pytest.skip("needs the broker's management API")
        async with looking(broker) as queues, httpx.AsyncClient(base_url=servers.management_url) as management:
            await queues.declare("shop")
            found = (await management.get(f"/api/queues/{broker.rpartition('/')[2]}")).raise_for_status().json()
        arguments = {queue["name"]: queue["arguments"] for queue in found}
        stream = arguments.pop(topology.REVOCATIONS)
        assert (stream["x-queue-type"], stream["x-max-age"]) == ("stream", declared.KEPT)
        assert set(arguments) == {"shop.events", "shop.dead", *(f"shop.retry.{delay}ms" for delay in QUICK)}
        assert {given["x-queue-type"] for given in arguments.values()} == {"quorum"}
        assert arguments["shop.events"]["x-dead-letter-routing-key"] == "shop.dead"
        assert arguments["shop.dead"]["x-delivery-limit"] == declared.MOST_READS
        for delay in QUICK:
            retry = arguments[f"shop.retry.{delay}ms"]
            assert (retry["x-dead-letter-exchange"], retry["x-dead-letter-routing-key"]) == ("", "shop.events")
            assert (retry["x-dead-letter-strategy"], retry["x-overflow"]) == ("at-least-once", "reject-publish")


async def _holds(queues: Queues, queue: str, count: int) -> bool:
    return await queues.waiting(queue) == count
