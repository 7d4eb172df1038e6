"""`loctician restore drop-queued` against a real broker."""

from subprocess import CompletedProcess

from pamqp.commands import Basic

from cli.tests.command import call
from migrations.topology import declare
from shared.messaging import broker as wire
from shared.messaging.broker import Outgoing
from shared.messaging.topology import load
from shared.testing.servers import SECRET_KEY

QUEUES = ("calendar.events", "calendar.retry.10m", "calendar.dead", "notifications.events")


async def loctician(amqp_url: str, *arguments: str) -> CompletedProcess[str]:
    environment = {
        "AMQP_URL": amqp_url,
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "SECRET_KEY": SECRET_KEY,
    }
    return await call(environment, *arguments)


async def waiting(amqp_url: str) -> dict[str, int]:
    async with wire.connection(amqp_url, "test") as connection:
        channel = await connection.channel()
        queues = {name: await channel.declare_queue(name, passive=True) for name in QUEUES}
    return {name: queue.declaration_result.message_count or 0 for name, queue in queues.items()}


class TestDropQueued:
    async def test_deletes_waiting_messages_after_confirmation_and_keeps_dead_letters(self, broker: str) -> None:
        async with wire.connection(broker, "test") as connection:
            channel = await connection.channel()
            await declare(channel, load())
            publishing = await wire.wire(channel)
            for name in QUEUES:
                await wire.publish_surely(publishing, Outgoing("", name, b"{}", Basic.Properties(delivery_mode=2)))
        refused = await loctician(broker, "restore", "drop-queued")
        assert refused.returncode != 0, "nothing is deleted without a confirmation"
        assert set((await waiting(broker)).values()) == {1}
        done = await loctician(broker, "restore", "drop-queued", "--yes")
        assert done.returncode == 0, done.stderr
        assert "calendar: 2 dropped" in done.stdout
        assert await waiting(broker) == dict.fromkeys(QUEUES, 0) | {"calendar.dead": 1}
