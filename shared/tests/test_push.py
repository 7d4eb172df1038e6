"""What follows from an event alone is pushed as it arrives, unless it could overtake something or come twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database import notifier
from shared.database.session import Database
from shared.messaging.consumer import LANES, Consumer
from shared.messaging.events import Push
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Received
from shared.observability.health import Health
from shared.testing.waiting import until
from shared.tests.notes import DEAD, Note, count_reaches, event, note, reaches, send, subscribed
from shared.tests.support import QUICK, NotedHere, Queues, emit_notes, running, supervised
from shared.tests.test_relay import is_empty


def pushes(received: Received[NotedHere]) -> Sequence[Push]:
    return [Push(received.id, [f"user:{received.data.thing_id}"], "noted", {"text": received.data.text})]


@pytest.fixture(autouse=True)
async def quiet(database: Database) -> None:
    """What earlier tests left in an outbox is long gone."""
    await until(lambda: database.notifier.quiet)


@asynccontextmanager
async def consuming(database: Database, amqp_url: str, handler: Note) -> AsyncIterator[Consumer]:
    subscriptions = subscribed(handler)
    subscriptions.at_once("thing.noted.v1", NotedHere, pushes)
    made = Consumer(database, subscriptions, "shop", amqp_url, health := Health(), QUICK, batch_size=1)
    async with running(supervised("consumer", made.run, health)):
        await until(lambda: health.parts.get("consumer", "") is None)
        yield made


def lane_of(one: dict[str, Any]) -> int:
    return hash(one["subject"]) % LANES


class Seen:
    """Notes like `note`, and remembers which events had been pushed."""

    def __init__(self, before: Callable[[], Any] | None = None) -> None:
        self.pushed: dict[str, bool] = {}
        self._before = before

    async def __call__(self, session: AsyncSession, received: Received[NotedHere]) -> None:
        if self._before:
            await self._before()
        self.pushed[str(received.id)] = received.pushed
        await note(session, received)


async def test_a_message_goes_out_before_its_handler_is_done(database: Database, broker: str, queues: Queues) -> None:
    may_end = asyncio.Event()
    seen, one, ear = Seen(may_end.wait), event(), await queues.listen()
    async with consuming(database, broker, seen):
        await send(queues, one)
        (message,) = await until(lambda: queues.take(ear))
        assert seen.pushed == {}
        may_end.set()
        await until(lambda: count_reaches(database, 1))
    assert seen.pushed == {one["id"]: True}
    body = message.event
    assert (body["id"], body["audience"], body["type"]) == (one["id"], [f"user:{one['subject']}"], "noted")
    assert await queues.take(ear) == []


async def test_while_another_is_unsettled_nothing_overtakes_it(database: Database, broker: str, queues: Queues) -> None:
    may_end = asyncio.Event()
    seen, first, ear = Seen(may_end.wait), event(), await queues.listen()
    others = (event() for _ in range(1_000))
    second = next(one for one in others if lane_of(one) != lane_of(first))
    async with consuming(database, broker, seen) as made:
        await send(queues, first)
        await until(lambda: queues.take(ear))
        await send(queues, second)
        await until(lambda: made._unsettled == 2)
        may_end.set()
        await until(lambda: count_reaches(database, 2))
    assert seen.pushed == {first["id"]: True, second["id"]: False}
    assert await queues.take(ear) == []


async def test_while_something_lies_in_the_outbox_nothing_overtakes_it(
    database: Database, broker: str, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "QUIET_SECONDS", 60.0)
    seen, before, after, ear = Seen(), event(), event(), await queues.listen()
    relay = Relay(database, "shop", broker, health := Health())
    async with consuming(database, broker, seen) as consumer:
        await emit_notes(database, 1)
        await send(queues, before)
        await until(lambda: count_reaches(database, 1))
        assert await queues.take(ear) == []
        # Once that has gone out, what follows need not wait: neither for a minute nor for the relay.
        async with running(supervised("relay", relay.run, health)):
            await until(lambda: is_empty(database))
            await until(lambda: database.notifier.quiet)
            await until(lambda: count_reaches(database, 2))  # what was relayed has been handled, and
            await until(lambda: consumer._unsettled == 0)  # acknowledged
            await send(queues, after)
            await until(lambda: count_reaches(database, 3))
    assert {one["id"]: seen.pushed[one["id"]] for one in (before, after)} == {before["id"]: False, after["id"]: True}


async def test_one_that_is_tried_again_is_pushed_by_its_handler(
    database: Database, broker: str, queues: Queues
) -> None:
    tries: list[bool] = []

    async def fail_first(session: AsyncSession, received: Received[NotedHere]) -> None:
        tries.append(received.pushed)
        if len(tries) == 1:
            raise LookupError("not yet")
        await note(session, received)

    ear = await queues.listen()
    async with consuming(database, broker, fail_first):
        await send(queues, event())
        await until(lambda: count_reaches(database, 1))
    assert tries == [True, False]
    assert len(await queues.take(ear)) == 1


async def test_one_that_cannot_be_read_is_laid_aside_and_nothing_is_pushed(
    database: Database, broker: str, queues: Queues
) -> None:
    ear = await queues.listen()
    async with consuming(database, broker, note):
        await send(queues, event(data={"thing_id": "no id"}))
        await until(lambda: reaches(queues.waiting(DEAD), 1))
    assert await queues.take(ear) == []
