import asyncio
from urllib.parse import urlsplit

import pytest
from pamqp.commands import Basic

from shared.messaging import broker as amqp
from shared.messaging.broker import RECONNECTING, BrokerAwayError, Outgoing, supervise
from shared.observability.health import Health
from shared.testing.proxy import ended, proxied
from shared.testing.waiting import until
from shared.tests.support import running


class TestConnecting:
    async def test_any_of_several_addresses_will_do(self, broker: str) -> None:
        async with proxied(broker) as proxy:
            await proxy.cut()
            for _ in range(4):
                async with amqp.connection(f"{proxy.url}, {broker}", "test") as connection:
                    assert not connection.is_closed

    async def test_no_answer_is_told_without_the_password(self, broker: str) -> None:
        async with proxied(broker) as proxy:
            await proxy.cut()
            with pytest.raises(BrokerAwayError) as failure:
                async with amqp.connection(proxy.url, "test"):
                    pass
        assert str(urlsplit(broker).password) not in str(failure.value)


class TestPublishing:
    async def test_what_is_lost_with_the_connection_is_told_at_once_whenever_that_is(self, broker: str) -> None:
        """Eight to twenty turns of the loop after the cut, the channel takes messages that it then tells nobody of."""
        messages = [
            Outgoing("amq.fanout", "", b"x", Basic.Properties(message_id=str(n)), mandatory=False) for n in range(20)
        ]
        for turns in range(40):
            async with proxied(broker) as proxy, amqp.connection(proxy.url, "test") as connection:
                channel = await amqp.wire(await connection.channel())
                cutting = asyncio.create_task(proxy.cut())
                for _ in range(turns):
                    await asyncio.sleep(0)
                async with asyncio.timeout(5):
                    answers = await amqp.publish_all(channel, messages)
                await cutting
            assert answers == [None] * len(messages), turns


class TestSupervision:
    async def test_lost_connection_is_tried_again_and_told(self) -> None:
        health, tries, seen = Health(), 0, asyncio.Event()

        async def run() -> None:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise ConnectionResetError("gone")
            await seen.wait()
            health.up("part")
            await asyncio.Event().wait()

        async with running(supervise("part", run, health)):
            assert await until(lambda: health.parts.get("part")) == "ConnectionResetError: gone"
            seen.set()
            await until(lambda: health.ready)
        assert tries == 3

    async def test_connections_lost_in_a_group_of_tasks_are_tried_again(self) -> None:
        health = Health()

        async def lose() -> None:
            raise ConnectionResetError("gone")

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(lose())
                group.create_task(lose())

        async with running(supervise("part", run, health)):
            assert await until(lambda: health.parts.get("part")) == "ConnectionResetError: gone"

    async def test_defect_is_told_with_its_place_and_does_not_end_it_for_good(
        self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        health, tries, seen = Health(), 0, asyncio.Event()

        async def run() -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise ZeroDivisionError
            await seen.wait()
            health.up("part")
            await asyncio.Event().wait()

        async with running(supervise("part", run, health)):
            assert await until(lambda: health.parts.get("part")) == "ZeroDivisionError: "
            seen.set()
            await until(lambda: health.ready)
        assert "worker_failed" in capsys.readouterr().out + caplog.text

    async def test_cancelled_it_ends_even_when_closing_fails(self) -> None:
        started = asyncio.Event()

        async def run() -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise ConnectionResetError("could not close")

        task = asyncio.create_task(supervise("part", run, Health()))
        await started.wait()
        await asyncio.wait_for(ended(task), 5)
        assert task.cancelled()

    def test_pauses_grow_to_a_limit_and_differ(self) -> None:
        assert max(RECONNECTING.pause(1) for _ in range(100)) <= 0.2
        assert max(RECONNECTING.pause(50) for _ in range(100)) <= 5.0
        assert len({RECONNECTING.pause(9) for _ in range(10)}) > 1
