import asyncio
from itertools import pairwise
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import Database
from shared.messaging.events import new_id
from shared.messaging.subscriptions import MESSAGES, Received
from shared.observability.health import Health
from shared.testing.proxy import ended, proxied
from shared.testing.waiting import until
from shared.tests.notes import DEAD, QUEUE, consumer, count_reaches, dead, event, note, noted, reaches, send
from shared.tests.support import QUICK, NotedHere, Queues, running


class TestFailing:
    async def test_handler_that_always_fails_is_retried_on_schedule_then_laid_aside(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        tries: list[float] = []

        async def fail(session: AsyncSession, received: Received[NotedHere]) -> None:
            await note(session, received)
            tries.append(asyncio.get_running_loop().time())
            raise RuntimeError("the chair is broken")

        sent = event()
        async with running(consumer(database, broker, fail)):
            await send(queues, sent)
            message = await dead(queues)
        headers = message.properties.headers
        assert message.event == sent
        assert message.properties.message_id == sent["id"]
        assert (headers["x-attempts"], headers["x-error"]) == (3, "RuntimeError: the chair is broken")
        assert headers["x-first-failed-at"] < headers["x-last-failed-at"]
        waits = [after - before for before, after in pairwise(tries)]
        assert [wait >= delay / 1000 for wait, delay in zip(waits, QUICK, strict=True)] == [True, True]
        assert await noted(database) == []

    async def test_one_that_fails_once_has_its_effect_once(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        failed: list[UUID] = []

        async def stumble(session: AsyncSession, received: Received[NotedHere]) -> None:
            await note(session, received)
            if received.id not in failed:
                failed.append(received.id)
                raise KeyError("not there yet")

        async with running(consumer(database, broker, stumble)):
            await send(queues, event(version=1), event(version=2))
            await until(lambda: count_reaches(database, 2))
        assert sorted(await noted(database)) == [1, 2]
        assert await queues.waiting(DEAD) == 0

    @pytest.mark.parametrize(
        "lost",
        [
            asyncpg.InternalClientError('cannot switch to state 12; protocol is in the "failed" state'),
            ConnectionResetError(),
        ],
    )
    async def test_one_whose_connection_is_lost_amid_an_answer_is_begun_again_at_once(
        self, database: Database, broker: str, queues: Queues, lost: Exception
    ) -> None:
        failures = [lost]

        async def stumble(session: AsyncSession, received: Received[NotedHere]) -> None:
            if failures:
                raise failures.pop()
            await note(session, received)

        retried = MESSAGES.labels("shop", "retried")._value.get()
        async with running(consumer(database, broker, stumble)):
            await send(queues, event())
            await until(lambda: count_reaches(database, 1))
        assert failures == []
        assert MESSAGES.labels("shop", "retried")._value.get() == retried

    async def test_failing_message_does_not_hold_up_others(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async def reject_first(session: AsyncSession, received: Received[NotedHere]) -> None:
            if received.version == 1:
                raise RuntimeError("never")
            await note(session, received)

        thing = new_id()
        async with running(consumer(database, broker, reject_first)):
            await send(queues, *(event(thing, version) for version in range(1, 6)))
            await until(lambda: count_reaches(database, 4))
            await dead(queues)
        assert await noted(database) == [2, 3, 4, 5]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"{}", b'{"id": 1, "type": "thing.noted.v1"}'])
    async def test_undecodable_message_is_laid_aside_at_once(
        self, database: Database, broker: str, queues: Queues, body: bytes
    ) -> None:
        async with running(consumer(database, broker)):
            await queues.send(QUEUE, body)
            message = await dead(queues)
            await send(queues, event())
            await until(lambda: count_reaches(database, 1))
        assert message.body == body
        assert message.properties.headers["x-attempts"] == 1
        assert message.properties.headers["x-error"].startswith("UndecodableError: ")

    async def test_data_of_another_shape_is_laid_aside_without_its_values_in_the_error(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async with running(consumer(database, broker)):
            await send(queues, event(data={"thing_id": "somebody's name", "text": "hello"}))
            message = await dead(queues)
        assert message.properties.headers["x-error"] == "UndecodableError: thing_id: uuid_parsing"

    async def test_database_error_is_told_without_its_values(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async def break_rule(session: AsyncSession, received: Received[NotedHere]) -> None:
            for _ in range(2):
                values = {"thing_id": received.data.thing_id, "text": "somebody's name"}
                await session.execute(text("INSERT INTO things (thing_id, text) VALUES (:thing_id, :text)"), values)

        async with running(consumer(database, broker, break_rule)):
            await send(queues, event())
            message = await dead(queues)
        assert "things_pkey" in message.properties.headers["x-error"]
        assert "somebody" not in message.properties.headers["x-error"]


class TestFaults:
    async def test_killed_between_commit_and_acknowledgement_the_effect_is_once(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async with proxied(broker) as proxy:

            async def note_then_go_deaf(session: AsyncSession, received: Received[NotedHere]) -> None:
                await note(session, received)
                proxy.mute()  # the acknowledgement, sent after the commit, will not arrive

            async with running(consumer(database, proxy.url, note_then_go_deaf)) as (first,):
                await send(queues, event())
                await until(lambda: count_reaches(database, 1))
                await proxy.cut()
                await ended(first)
            await until(lambda: queues.waiting(QUEUE))
            async with running(consumer(database, broker)):
                await send(queues, event(version=2))
                await until(lambda: count_reaches(database, 2))
                await until(lambda: reaches(queues.waiting(QUEUE), 0))
        assert await noted(database) == [1, 2]

    async def test_cancelled_it_finishes_what_it_was_given(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def wait(session: AsyncSession, received: Received[NotedHere]) -> None:
            begun.set()
            await go_on.wait()
            await note(session, received)

        async with running(consumer(database, broker, wait)) as (task,):
            await send(queues, event())
            await begun.wait()
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.wait([task], timeout=5)
        assert await noted(database) == [1]
        assert await queues.waiting(QUEUE) == 0

    async def test_queue_deleted_under_it_is_consumed_once_it_is_declared_again(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        health = Health()
        async with running(consumer(database, broker, health=health)):
            await until(lambda: health.parts.get("consumer", "") is None)
            await queues.delete(QUEUE)
            await until(lambda: "loctician migrate" in str(health.parts["consumer"]))
            await queues.declare("shop")
            await until(lambda: health.parts["consumer"] is None)
            await send(queues, event())
            await until(lambda: count_reaches(database, 1))

    async def test_broker_that_comes_back_is_consumed_from_again(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        health = Health()
        async with proxied(broker) as proxy, running(consumer(database, proxy.url, health=health)):
            await until(lambda: health.parts.get("consumer", "") is None)
            await proxy.cut()
            await until(lambda: health.parts["consumer"])
            await send(queues, event())
            await proxy.restore()
            await until(lambda: count_reaches(database, 1))
            assert health.ready

    async def test_message_waits_for_the_database_and_loses_no_attempt(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        health = Health()
        async with proxied(database.url) as proxy:
            far = Database(proxy.url, database.schema)
            async with running(consumer(far, broker, health=health)):
                await until(lambda: health.parts.get("consumer", "") is None)
                await proxy.cut()
                await send(queues, event())
                await until(lambda: health.parts["consumer"])
                assert str(urlsplit(proxy.url).password) not in str(health.parts["consumer"])
                await proxy.restore()
                await until(lambda: count_reaches(database, 1))
                await until(lambda: health.ready)
            await far.close()
        assert await noted(database) == [1]
        assert await queues.waiting(DEAD) == 0
