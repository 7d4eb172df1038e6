import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import relay as relay_module
from shared.messaging.consumer import Consumer
from shared.messaging.events import Push, new_id, push
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Received, Subscriptions
from shared.observability.health import Health
from shared.testing.proxy import ended, proxied
from shared.testing.waiting import until
from shared.tests.support import (
    QUICK,
    NotedHere,
    count,
    emit_notes,
    looking,
    running,
    supervised,
)

QUEUE = "shop.events"


def relay(database: Database, amqp_url: str, health: Health | None = None) -> Any:
    made = Relay(database, "shop", amqp_url, health or Health())
    return supervised("relay", made.run, health)


async def is_empty(database: Database) -> bool:
    return await count(database, "outbox") == 0


class TestRelaying:
    async def test_events_leave_in_order_and_once(self, database: Database, broker: str) -> None:
        versions = await emit_notes(database, 30, new_id())
        async with running(relay(database, broker)), looking(broker) as queues:
            await until(lambda: is_empty(database))
            messages = await queues.take(QUEUE)
        assert [message.event["version"] for message in messages] == versions

    async def test_message_is_a_persistent_cloud_event(self, database: Database, broker: str) -> None:
        thing = new_id()
        await emit_notes(database, 1, thing)
        async with running(relay(database, broker)), looking(broker) as queues:
            await until(lambda: is_empty(database))
            (message,) = await queues.take(QUEUE)
        properties, event = message.properties, message.event
        assert (properties.message_id, properties.type) == (event["id"], "thing.noted.v1")
        assert (properties.content_type, int(properties.delivery_mode)) == ("application/cloudevents+json", 2)
        assert (event["source"], event["subject"], event["actorrole"]) == ("/services/shop", str(thing), "service")
        assert event["data"] == {"thing_id": str(thing), "text": "", "version": 1}

    async def test_commit_wakes_it_before_it_would_look(
        self, database: Database, broker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_module, "POLL", 60.0)
        health = Health()
        async with running(relay(database, broker, health), database.notifier.run()):
            await until(lambda: health.parts.get("relay", "") is None)
            await emit_notes(database, 3)
            await until(lambda: is_empty(database), seconds=5)

    async def test_realtime_message_is_transient_and_needs_no_listener(self, database: Database, broker: str) -> None:
        async def say(what: str) -> None:
            async with transaction(database, SERVICE_CLAIMS) as session:
                push(session, Push(new_id(), ["user:1"], "booking_update", {"what": what}))
            await until(lambda: is_empty(database))

        async with running(relay(database, broker)), looking(broker) as queues:
            await say("unheard")
            ear = await queues.listen()
            await say("heard")
            (message,) = await queues.take(ear)
        body = message.event
        assert int(message.properties.delivery_mode) == 1
        assert (body["audience"], body["type"], body["data"]) == (["user:1"], "booking_update", {"what": "heard"})


class TestFaults:
    async def test_events_emitted_while_broker_is_away_arrive_once(self, database: Database, broker: str) -> None:
        health = Health()
        async with proxied(broker) as proxy, looking(broker) as queues, running(relay(database, proxy.url, health)):
            await emit_notes(database, 1)
            await until(lambda: is_empty(database))
            await proxy.cut()
            versions = await emit_notes(database, 100, start=2)
            await until(lambda: health.parts["relay"])
            assert await count(database, "outbox") == 100
            await proxy.restore()
            await until(lambda: is_empty(database))
            assert health.ready
            messages = await queues.take(QUEUE)
        assert [message.event["version"] for message in messages] == [1, *versions]

    async def test_events_of_an_outage_take_effect_once(self, database: Database, broker: str) -> None:
        subscriptions = Subscriptions()

        @subscriptions.on("thing.noted.v1", NotedHere)
        async def note(session: Any, event: Received[NotedHere]) -> None:
            await session.execute(text("INSERT INTO noted (version) VALUES (:version)"), {"version": event.version})

        async with proxied(broker) as proxy:
            consumer = Consumer(database, subscriptions, "shop", proxy.url, Health(), QUICK)
            async with running(relay(database, proxy.url), supervised("consumer", consumer.run)):
                await emit_notes(database, 20)
                await proxy.cut()
                await emit_notes(database, 80, start=21)
                await proxy.restore()
                await until(lambda: is_empty(database))
                await until(lambda: _reached(database, 100))
            async with transaction(database, SERVICE_CLAIMS) as session:
                noted = (await session.execute(text("SELECT version FROM noted ORDER BY version"))).scalars().all()
        assert list(noted) == list(range(1, 101))

    async def test_connection_lost_while_publishing_loses_nothing(self, database: Database, broker: str) -> None:
        async with proxied(broker) as proxy, looking(broker) as queues, running(relay(database, proxy.url)):
            await emit_notes(database, 1)
            await until(lambda: is_empty(database))
            proxy.mute()
            versions = await emit_notes(database, 20, start=2)
            await proxy.cut()
            await proxy.restore()
            await until(lambda: is_empty(database))
            messages = await queues.take(QUEUE)
        assert {message.event["version"] for message in messages} == {1, *versions}

    async def test_unroutable_event_waits_for_a_queue_and_holds_up_no_other(
        self, database: Database, broker: str
    ) -> None:
        lost = relay_module.BATCH + 1
        async with transaction(database, SERVICE_CLAIMS) as session:
            emit_lost = f"SELECT {database.schema}.emit(gen_random_uuid(), 'thing.lost.v1', 'a', 1, '{{}}')"
            await session.execute(text(f"{emit_lost} FROM generate_series(1, {lost})"))
        await emit_notes(database, 3)
        async with running(relay(database, broker)), looking(broker) as queues:
            await until(lambda: _reached(database, lost, "outbox", exactly=True))
            assert len(await queues.take(QUEUE)) == 3
            await queues.bind(QUEUE, "thing.lost.v1")
            await until(lambda: is_empty(database))
            messages = await queues.take(QUEUE)
        assert [message.event["type"] for message in messages] == ["thing.lost.v1"] * lost

    async def test_event_sent_before_its_consumer_ever_ran_waits_for_it(self, database: Database, broker: str) -> None:
        await emit_notes(database, 2)
        async with looking(broker) as queues:
            await queues.declare("late")
            async with running(relay(database, broker)):
                await until(lambda: is_empty(database))
                assert await until(lambda: queues.waiting("late.events")) == 2

    async def test_second_relay_stands_by_and_takes_over(self, database: Database, broker: str) -> None:
        first, second = Health(), Health()
        async with looking(broker) as queues, running(relay(database, broker, first)) as (at_work,):
            await until(lambda: first.parts.get("relay", "") is None)
            async with running(relay(database, broker, second)):
                await until(lambda: second.parts.get("relay", "") is None)
                before = await emit_notes(database, 40)
                await until(lambda: is_empty(database))
                await ended(at_work)
                after = await emit_notes(database, 40, start=41)
                await until(lambda: is_empty(database))
                messages = await queues.take(QUEUE)
        assert [message.event["version"] for message in messages] == before + after

    async def test_two_relays_at_once_send_each_event_once(self, database: Database, broker: str) -> None:
        async with looking(broker) as queues, running(relay(database, broker), relay(database, broker)):
            versions = await emit_notes(database, 100)
            await until(lambda: is_empty(database))
            messages = await queues.take(QUEUE)
        assert [message.event["version"] for message in messages] == versions

    async def test_relay_that_lost_its_lock_stops_and_starts_anew(self, database: Database, broker: str) -> None:
        health = Health()
        async with running(relay(database, broker, health)), looking(broker) as queues:
            await until(lambda: health.parts.get("relay", "") is None)
            await _end_relay_connections(database)
            await until(lambda: health.parts["relay"])
            versions = await emit_notes(database, 5)
            await until(lambda: is_empty(database))
            assert [message.event["version"] for message in await queues.take(QUEUE)] == versions

    async def test_it_says_what_it_waits_for(self, database: Database, broker: str) -> None:
        health = Health()
        async with proxied(broker) as proxy:
            await proxy.cut()
            async with running(relay(database, proxy.url, health)):
                reason = await until(lambda: health.parts.get("relay"))
        assert "no broker answers" in str(reason)


class TestMetrics:
    async def test_rows_waiting_are_counted_while_broker_is_away(self, database: Database, broker: str) -> None:
        await emit_notes(database, 7)
        async with proxied(broker) as proxy:
            await proxy.cut()
            async with running(relay(database, proxy.url)):
                await until(lambda: relay_module.WAITING.labels("shop")._value.get() == 7)
                await asyncio.sleep(0)
        assert relay_module.OLDEST.labels("shop")._value.get() > 0


async def _reached(database: Database, number: int, table: str = "noted", *, exactly: bool = False) -> bool:
    found = await count(database, table)
    return found == number if exactly else found >= number


async def _end_relay_connections(database: Database) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"),
            {"name": f"loctician-{database.schema}-relay"},
        )
