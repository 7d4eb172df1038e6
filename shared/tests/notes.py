"""A consumer of one kind of event, for tests: it notes each, and what it noted can be read."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.consumer import Consumer
from shared.messaging.events import new_id
from shared.messaging.subscriptions import Received, Subscriptions
from shared.observability.health import Health
from shared.testing.waiting import until
from shared.tests.support import (
    QUICK,
    Message,
    NotedHere,
    Queues,
    count,
    supervised,
)

QUEUE, DEAD = "shop.events", "shop.dead"
Note = Callable[[AsyncSession, Received[NotedHere]], Awaitable[None]]


async def note(session: AsyncSession, event: Received[NotedHere]) -> None:
    values = {"thing_id": event.data.thing_id, "version": event.version, "text": event.data.text}
    await session.execute(
        text("INSERT INTO noted (thing_id, version, text) VALUES (:thing_id, :version, :text)"), values
    )


def subscribed(handler: Note = note) -> Subscriptions:
    subscriptions = Subscriptions()
    subscriptions.on("thing.noted.v1", NotedHere)(handler)
    return subscriptions


def consumer(database: Database, amqp_url: str, handler: Note = note, health: Health | None = None) -> Any:
    made = Consumer(database, subscribed(handler), "shop", amqp_url, health or Health(), QUICK)
    return supervised("consumer", made.run, health)


def event(thing_id: UUID | None = None, version: int = 1, **attributes: Any) -> dict[str, Any]:
    thing = str(thing_id or new_id())
    return {
        "specversion": "1.0",
        "id": str(new_id()),
        "source": "/services/test",
        "type": "thing.noted.v1",
        "subject": thing,
        "time": datetime.now(UTC).isoformat(),
        "version": version,
        "data": {"thing_id": thing, "version": version, "text": "hello"},
    } | attributes


async def send(queues: Queues, *events: dict[str, Any]) -> None:
    for one in events:
        await queues.send(QUEUE, orjson.dumps(one), message_id=one["id"], message_type=one["type"])


async def noted(database: Database) -> list[int]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return list((await session.execute(text("SELECT version FROM noted ORDER BY id"))).scalars())


async def dead(queues: Queues) -> Message:
    await until(lambda: queues.waiting(DEAD))
    (message,) = await queues.take(DEAD)
    return message


async def count_reaches(database: Database, number: int) -> bool:
    return await count(database, "noted") >= number


async def reaches(found: Awaitable[int], expected: int) -> bool:
    return await found == expected
