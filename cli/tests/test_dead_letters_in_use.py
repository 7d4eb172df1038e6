"""What another program has taken from a queue is not missed: the broker hands it back later than the program ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import aio_pika
import orjson
import pytest

from cli import dead_letter_queue
from migrations.topology import declare
from shared.messaging.dead_letters import QueueInUseError, delete_about, read
from shared.testing.proxy import Proxy, proxied
from shared.testing.waiting import until
from shared.tests.support import BINDINGS, Queues, running

DEAD, RETRY = "shop.dead", "shop.retry.1m"
LETTERS = 5
SUBJECT = "0198c0de-0000-7000-8000-00000000beef"


async def lay_aside(queues: Queues, queue: str = DEAD) -> None:
    for number in range(LETTERS):
        body = orjson.dumps({"id": str(number), "subject": SUBJECT})
        await queues.send(queue, body, message_id=str(number), message_type="thing.noted.v1")
    await until(lambda: _waiting(queues, queue, LETTERS))


@asynccontextmanager
async def held_by_a_lost_client(amqp_url: str, queue: str) -> AsyncIterator[Proxy]:
    """A client has taken two messages and is gone, and the broker learns of it when the proxy is cut."""
    async with proxied(amqp_url) as proxy:
        connection = await aio_pika.connect(proxy.url)
        taken = await (await connection.channel()).get_queue(queue)
        assert [(await taken.get()).message_id for _ in range(2)] == ["0", "1"]
        proxy.mute()
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.close(), 0.2)
        yield proxy


async def _list(broker: str) -> int:
    return len(await dead_letter_queue.list_letters(broker, "shop"))


async def _show(broker: str) -> int:
    return LETTERS if await dead_letter_queue.show(broker, "shop", "0") else 0


async def _discard(broker: str) -> int:
    return await dead_letter_queue.discard(broker, "shop")


async def _replay(broker: str) -> int:
    return await dead_letter_queue.replay(broker, "shop")


async def _erase(broker: str) -> int:
    return (await delete_about(broker, "shop", {SUBJECT}, datetime.now(UTC) - timedelta(days=90)))[SUBJECT]


WORKS = pytest.mark.parametrize("work", [_list, _show, _discard, _replay, _erase])
Work = Callable[[str], Awaitable[int]]


@WORKS
async def test_messages_of_a_client_that_is_gone_are_waited_for(broker: str, queues: Queues, work: Work) -> None:
    await lay_aside(queues)
    async with held_by_a_lost_client(broker, DEAD) as proxy:
        working = asyncio.ensure_future(work(broker))
        done, _ = await asyncio.wait([working], timeout=1.0)
        assert not done
        await proxy.cut()
        assert await working == LETTERS


async def test_an_erasure_waits_for_messages_of_a_retry_queue(broker: str, queues: Queues) -> None:
    async with read(broker, DEAD) as reader:
        await declare(reader.channel, BINDINGS)
    await lay_aside(queues, RETRY)
    async with held_by_a_lost_client(broker, RETRY) as proxy:
        working = asyncio.ensure_future(_erase(broker))
        done, _ = await asyncio.wait([working], timeout=1.0)
        assert not done
        await proxy.cut()
        assert await working == LETTERS


async def test_nobody_waits_for_ever(broker: str, queues: Queues) -> None:
    await lay_aside(queues)
    async with held_by_a_lost_client(broker, DEAD), read(broker, DEAD) as reader:
        reader.wait_seconds = 0.3
        with pytest.raises(QueueInUseError, match=r"shop\.dead"):
            assert [message async for message in reader.messages(10)] == []


async def test_several_at_once_decide_each_message_once(broker: str, queues: Queues) -> None:
    await lay_aside(queues)
    listed, *discarded = await asyncio.gather(_list(broker), *(_discard(broker) for _ in range(3)))
    assert (sum(discarded), await queues.waiting(DEAD)) == (LETTERS, 0)
    assert listed in (0, LETTERS)


async def test_whoever_has_read_leaves_everything_to_the_next(broker: str, queues: Queues) -> None:
    await lay_aside(queues)
    for _ in range(20):
        assert await _list(broker) == LETTERS
    assert await _discard(broker) == LETTERS


async def test_what_is_replayed_and_fails_again_is_not_replayed_once_more(
    broker: str, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more dead letters than are taken at once, and a service that fails each at once."""
    monkeypatch.setattr(dead_letter_queue, "MOST_AT_ONCE", 2)
    await lay_aside(queues)
    async with running(_fail_each(broker)):
        assert await _replay(broker) == LETTERS
        await until(lambda: _waiting(queues, DEAD, LETTERS))


async def _fail_each(broker: str) -> None:
    async with read(broker, "shop.events") as reader, reader.queue.iterator() as messages:
        async for message in messages:
            copy = aio_pika.Message(message.body, message_id=message.message_id)
            await reader.channel.default_exchange.publish(copy, DEAD)
            await message.ack()


async def _waiting(queues: Queues, queue: str, number: int) -> bool:
    return await queues.waiting(queue) == number
