import asyncio
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import emit, new_id
from shared.messaging.subscriptions import Received, UndecodableError, handle, handle_batch
from shared.observability.context import current
from shared.testing.waiting import until
from shared.tests.notes import DEAD, QUEUE, consumer, count_reaches, event, note, noted, reaches, send, subscribed
from shared.tests.support import (
    Noted,
    NotedHere,
    Queues,
    count,
    running,
)


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"
    thing_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    text: Mapped[str]


class TestHandling:
    async def test_duplicate_has_its_effect_once(self, database: Database, broker: str, queues: Queues) -> None:
        twice = event()
        async with running(consumer(database, broker)):
            await send(queues, twice, twice, event(version=2))
            await until(lambda: count_reaches(database, 2))
        assert sorted(await noted(database)) == [1, 2]
        assert await queues.waiting(QUEUE) == 0

    async def test_events_of_one_subject_keep_their_order(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        thing = new_id()
        await send(queues, *(event(thing, version) for version in range(1, 31)))
        async with running(consumer(database, broker)):
            await until(lambda: count_reaches(database, 30))
        assert await noted(database) == list(range(1, 31))

    async def test_older_event_after_a_newer_one_changes_nothing(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async def project(session: AsyncSession, received: Received[NotedHere]) -> None:
            await note(session, received)
            await session.execute(
                text("""INSERT INTO things AS t VALUES (:thing_id, :version, 'v' || :text)
                        ON CONFLICT (thing_id) DO UPDATE SET version = EXCLUDED.version, text = EXCLUDED.text
                        WHERE t.version < EXCLUDED.version"""),
                {"thing_id": received.data.thing_id, "version": received.version, "text": str(received.version)},
            )

        thing = new_id()
        await send(queues, *(event(thing, version) for version in (3, 1, 2)))
        async with running(consumer(database, broker, project)):
            await until(lambda: count_reaches(database, 3))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT text FROM things"))).scalars().all() == ["v3"]

    async def test_event_nobody_here_handles_is_taken_off_the_queue(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        async with running(consumer(database, broker)):
            await send(queues, event(type="thing.unheard_of.v7"), event())
            await until(lambda: count_reaches(database, 1))
            await until(lambda: reaches(queues.waiting(QUEUE), 0))
        assert await queues.waiting(DEAD) == 0

    async def test_handler_acts_for_the_one_who_caused_the_event(self, database: Database) -> None:
        async def react(session: AsyncSession, received: Received[NotedHere]) -> None:
            assert current().request_id == "req-1"
            emit(session, Noted(thing_id=received.data.thing_id, version=2))

        message = event(requestid="req-1", actorid="someone", actorrole="customer")
        assert await handle(database, subscribed(react), "shop", message)
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows = await session.execute(text("SELECT actor_id, actor_role, request_id FROM outbox"))
            assert [tuple(row) for row in rows] == [("someone", "customer", "req-1")]

    async def test_all_handlers_of_an_event_share_one_transaction(self, database: Database) -> None:
        subscriptions = subscribed()

        @subscriptions.on("#", dict[str, Any])
        async def fail(session: AsyncSession, received: Received[dict[str, Any]]) -> None:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            await handle(database, subscriptions, "shop", event())
        assert (await count(database, "noted"), await count(database, "inbox")) == (0, 0)

    async def test_it_subscribes_to_what_has_a_handler(self) -> None:
        subscriptions = subscribed()
        subscriptions.on("#", dict[str, Any])(lambda *_: asyncio.sleep(0))
        assert subscriptions.types == ["#", "thing.noted.v1"]


class TestHandlingTogether:
    """What waits in one lane is handled in one transaction, as if one after the other."""

    async def test_what_waits_shares_transactions_and_nothing_is_missing_or_doubled(
        self, database: Database, broker: str, queues: Queues
    ) -> None:
        thing = new_id()
        events = [event(thing, version) for version in range(1, 61)]
        await send(queues, *events, *events[:20])
        async with running(consumer(database, broker)):
            await until(lambda: reaches(queues.waiting(QUEUE), 0))
            await until(lambda: count_reaches(database, 60))
        assert await noted(database) == list(range(1, 61))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM inbox")) < 30

    async def test_one_that_fails_takes_no_other_with_it(self, database: Database, broker: str, queues: Queues) -> None:
        async def dislike(session: AsyncSession, received: Received[NotedHere]) -> None:
            await note(session, received)
            if received.version == 5:
                raise RuntimeError("not five")

        thing = new_id()
        await send(queues, *(event(thing, version) for version in range(1, 11)))
        async with running(consumer(database, broker, dislike)):
            await until(lambda: count_reaches(database, 9))
            await until(lambda: reaches(queues.waiting(DEAD), 1))
        assert await noted(database) == [1, 2, 3, 4, 6, 7, 8, 9, 10]

    async def test_one_after_the_other_sees_what_the_one_before_wrote(self, database: Database) -> None:
        async def project(session: AsyncSession, received: Received[NotedHere]) -> None:
            thing = await session.get(Thing, received.data.thing_id)
            if thing is None:
                session.add(Thing(thing_id=received.data.thing_id, version=received.version, text="first"))
            else:
                what = {"id": thing.thing_id, "text": f"{thing.text}, {received.version}"}
                await session.execute(text("UPDATE things SET text = :text WHERE thing_id = :id"), what)

        thing = new_id()
        messages = [event(thing, version) for version in (1, 2, 3)]
        assert await handle_batch(database, subscribed(project), "shop", messages)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await session.scalar(text("SELECT text FROM things")) == "first, 2, 3"

    async def test_the_same_event_twice_in_one_transaction_has_its_effect_once(self, database: Database) -> None:
        once = event()
        assert await handle_batch(database, subscribed(), "shop", [once, event(version=2), once])
        assert sorted(await noted(database)) == [1, 2]

    async def test_each_acts_for_the_one_who_caused_it(self, database: Database) -> None:
        async def react(session: AsyncSession, received: Received[NotedHere]) -> None:
            emit(session, Noted(thing_id=received.data.thing_id, version=2))

        messages = [event(requestid=f"req-{one}", actorid=one, actorrole="customer") for one in ("anna", "bo")]
        assert await handle_batch(database, subscribed(react), "shop", messages)
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows = await session.execute(text("SELECT actor_id, request_id FROM outbox ORDER BY id"))
            assert [tuple(row) for row in rows] == [("anna", "req-anna"), ("bo", "req-bo")]


class TestReading:
    async def test_unknown_fields_are_ignored_and_known_ones_typed(self, database: Database) -> None:
        seen: list[Received[NotedHere]] = []

        async def keep(session: AsyncSession, received: Received[NotedHere]) -> None:
            seen.append(received)

        thing = new_id()
        message = event(thing, 7, unknown="x", traceparent="00-1")
        assert await handle(database, subscribed(keep), "shop", message)
        assert (seen[0].data.thing_id, seen[0].version, seen[0].traceparent) == (thing, 7, "00-1")
        assert isinstance(seen[0].data, BaseModel)

    async def test_event_without_time_zone_is_refused(self, database: Database) -> None:
        with pytest.raises(UndecodableError, match="time: timezone_aware"):
            await handle(database, subscribed(), "shop", event(time="2026-01-01T12:00:00"))
