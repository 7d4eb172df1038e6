from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cli import dead_letter_queue
from cli.dead_letter_queue import Filter
from shared.database.session import Database
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters import NoDeadLetterQueueError
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Received, Subscriptions
from shared.observability.health import Health
from shared.testing.waiting import until
from shared.tests.support import (
    QUICK,
    NotedHere,
    Queues,
    count,
    emit_notes,
    running,
    supervised,
)

DEAD = "shop.dead"
FIRST, LAST = "2026-03-02T10:00:00+00:00", "2026-03-02T11:00:00+00:00"


async def lay_aside(queues: Queues, *ids: str) -> None:
    headers = {"x-attempts": 5, "x-error": "RuntimeError: no", "x-first-failed-at": FIRST, "x-last-failed-at": LAST}
    for id_ in ids:
        body = orjson.dumps({"id": id_})
        await queues.send(DEAD, body, message_id=id_, message_type="thing.noted.v1", headers=headers)
    await until(lambda: _all_there(queues, len(ids)))


class TestLooking:
    async def test_listing_tells_what_failed_and_leaves_it_there(self, broker: str, queues: Queues) -> None:
        await lay_aside(queues, "one", "two", "three")
        for _ in range(25):
            listed = await dead_letter_queue.list_letters(broker, "shop")
        assert {letter.id for letter in listed} == {"one", "two", "three"}
        assert {(one.type, one.error, one.attempts) for one in listed} == {("thing.noted.v1", "RuntimeError: no", 5)}
        assert (listed[0].first_failed_at, listed[0].last_failed_at) == (FIRST, LAST)
        await until(lambda: _all_there(queues, 3))

    async def test_listing_is_bounded(self, broker: str, queues: Queues) -> None:
        await lay_aside(queues, "one", "two", "three")
        assert len(await dead_letter_queue.list_letters(broker, "shop", limit=2)) == 2

    async def test_show_finds_one_by_its_id(self, broker: str, queues: Queues) -> None:
        await lay_aside(queues, "one", "two")
        found = await dead_letter_queue.show(broker, "shop", "two")
        assert found is not None
        assert orjson.loads(found.body) == {"id": "two"}
        assert await dead_letter_queue.show(broker, "shop", "four") is None

    @pytest.mark.parametrize(
        ("wanted", "ids"),
        [
            (Filter(type="thing.noted.v1"), {"one", "two", "three"}),
            (Filter(type="thing.lost.v1"), {"four"}),
            (Filter(error="NO SUCH"), {"four"}),
            (Filter(since=datetime(2026, 3, 2, 12, tzinfo=UTC)), {"four"}),
            (Filter(before=datetime(2026, 3, 2, 12, tzinfo=UTC)), {"one", "two", "three"}),
            (Filter(type="thing.noted.v1", error="no such"), set()),
        ],
    )
    async def test_filters_choose_by_type_error_and_time(
        self, broker: str, queues: Queues, wanted: Filter, ids: set[str]
    ) -> None:
        await lay_aside(queues, "one", "two", "three")
        headers = {"x-attempts": 5, "x-error": "LookupError: no such", "x-last-failed-at": "2026-03-02T13:00:00+00:00"}
        await queues.send(DEAD, b"{}", message_id="four", message_type="thing.lost.v1", headers=headers)
        await until(lambda: _all_there(queues, 4))
        assert {letter.id for letter in await dead_letter_queue.list_letters(broker, "shop", wanted=wanted)} == ids
        assert await dead_letter_queue.discard(broker, "shop", wanted) == len(ids)
        assert {letter.id for letter in await dead_letter_queue.list_letters(broker, "shop")} == {
            "one",
            "two",
            "three",
            "four",
        } - ids

    async def test_unknown_service_is_told(self, broker: str) -> None:
        with pytest.raises(NoDeadLetterQueueError, match=r"nobody\.dead"):
            await dead_letter_queue.list_letters(broker, "nobody")


class TestActing:
    async def test_discard_removes_only_the_one_named(self, broker: str, queues: Queues) -> None:
        await lay_aside(queues, "one", "two", "three")
        assert await dead_letter_queue.discard(broker, "shop", Filter(id="two")) == 1
        await until(lambda: _all_there(queues, 2))
        assert {letter.id for letter in await dead_letter_queue.list_letters(broker, "shop")} == {"one", "three"}

    async def test_discard_of_all_empties_the_queue(self, broker: str, queues: Queues) -> None:
        await lay_aside(queues, "one", "two", "three")
        assert await dead_letter_queue.discard(broker, "shop") == 3
        assert await queues.waiting(DEAD) == 0

    async def test_replay_sends_it_to_its_own_service_with_attempts_counted_anew(
        self, broker: str, queues: Queues
    ) -> None:
        await lay_aside(queues, "one", "two")
        assert await dead_letter_queue.replay(broker, "shop", Filter(id="one")) == 1
        await until(lambda: queues.waiting("shop.events"))
        (message,) = await queues.take("shop.events")
        assert (message.properties.message_id, message.properties.type) == ("one", "thing.noted.v1")
        assert not {"x-attempts", "x-error", "x-death"} & message.properties.headers.keys()
        assert int(message.properties.delivery_mode) == 2

    async def test_replay_of_one_not_there_is_none(self, broker: str, queues: Queues) -> None:
        assert await dead_letter_queue.replay(broker, "shop", Filter(id="one")) == 0


class TestFromEndToEnd:
    async def test_event_that_failed_until_a_repair_takes_effect_on_replay(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        broken = True
        subscriptions = Subscriptions()

        @subscriptions.on("thing.noted.v1", NotedHere)
        async def note(session: AsyncSession, event: Received[NotedHere]) -> None:
            if broken:
                raise RuntimeError("broken")
            await session.execute(text("INSERT INTO noted (version) VALUES (:version)"), {"version": event.version})

        consumer: Any = Consumer(database, subscriptions, "shop", broker, Health(), QUICK)
        relay = Relay(database, "shop", broker, Health())
        async with running(supervised("consumer", consumer.run), supervised("relay", relay.run)):
            await emit_notes(database, 3)
            await until(lambda: _all_there(queues, 3))
            assert await dead_letter_queue.replay(broker, "shop") == 3
            await until(lambda: _all_there(queues, 3))
            broken = False
            assert await dead_letter_queue.replay(broker, "shop") == 3
            await until(lambda: _noted(database, 3))
        assert await queues.waiting(DEAD) == 0


async def _all_there(queues: Queues, number: int) -> bool:
    return await queues.waiting(DEAD) == number


async def _noted(database: Database, number: int) -> bool:
    return await count(database, "noted") == number
