"""Takes realtime messages from the broker and gives them to the hub."""

import asyncio
from collections import OrderedDict
from typing import Any
from uuid import UUID, uuid4

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.realtime.hub import Hub
from gateway.realtime.resume import message, resync
from shared.messaging import broker, topology
from shared.messaging.broker import BrokerAwayError
from shared.observability.health import Health
from shared.observability.log import logger

BROKER_SECONDS = 10.0  # for one operation
MAX_QUEUE_LENGTH = 10_000
MOST_RECENT = 5_000  # message ids kept to recognize repetitions, which follow soon after a crash of the sender
RANDOM_BITS = (1 << 62) - 1  # of a UUIDv7 (RFC 9562, 5.7): a repeated message has the same
SPREAD_SECONDS = 5.0

log = logger(__name__)


class RealtimeMessage(BaseModel):
    id: UUID
    audience: list[str]
    type: str
    time: str
    data: dict[str, Any]


REALTIME = TypeAdapter(RealtimeMessage)


class Feed:
    """Reads an exclusive queue of this process. The broker deletes the queue when the connection is lost."""

    def __init__(self, amqp_url: str, hub: Hub, health: Health) -> None:
        self._amqp_url = amqp_url
        self._hub = hub
        self._health = health
        self.queue: AbstractQueue | None = None
        self._recent: OrderedDict[tuple[int, str], None] = OrderedDict()

    async def run(self) -> None:
        """Runs until the connection is lost; then raises BrokerAwayError or the driver's error.

        The broker keeps no messages for a gateway that is not connected. So after an interruption all clients are
        asked to reload what they show.
        """
        interrupted = self.queue is not None
        async with broker.connection(self._amqp_url, "gateway feed") as connection:
            channel = await connection.channel()
            self.queue = await _declare(channel)
            closed = await watch_channel(channel)
            await self.queue.consume(self._receive, no_ack=True, timeout=BROKER_SECONDS)
            self._health.up("feed")
            resyncing = asyncio.create_task(self._resync_all(interrupted))
            try:
                await closed
            finally:
                resyncing.cancel()
        raise BrokerAwayError("the broker stopped delivering")

    async def _resync_all(self, interrupted: bool) -> None:
        if interrupted:
            await self._hub.offer_all(resync("feed_interrupted"), SPREAD_SECONDS)

    async def _receive(self, incoming: AbstractIncomingMessage) -> None:
        try:
            self._publish(incoming.body)
        except ValidationError as error:
            log.warning("realtime_message_unreadable", errors=error.error_count())

    def _publish(self, body: bytes) -> None:
        realtime = REALTIME.validate_json(body)
        key = (realtime.id.int & RANDOM_BITS, " ".join(realtime.audience))
        if key in self._recent:
            return
        self._recent[key] = None
        if len(self._recent) > MOST_RECENT:
            self._recent.popitem(last=False)
        text = message(str(realtime.id), realtime.type, realtime.time, realtime.data)
        self._hub.publish(realtime.audience, text)


async def _declare(channel: AbstractChannel) -> AbstractQueue:
    await topology.check(channel)
    queue = await channel.declare_queue(
        f"{topology.FEED_PREFIX}{uuid4()}",
        exclusive=True,
        auto_delete=True,
        arguments={"x-max-length": MAX_QUEUE_LENGTH},
        timeout=BROKER_SECONDS,
    )
    await queue.bind(topology.REALTIME, timeout=BROKER_SECONDS)
    return queue


async def watch_channel(channel: AbstractChannel) -> asyncio.Future[None]:
    """A future that is done once the channel closes or the broker cancels a consumer on it."""
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finish(_: object) -> None:
        if not closed.done():
            closed.set_result(None)

    wire = await broker.wire(channel)
    wire.on_consumer_cancel_callbacks.add(finish)
    wire.closing.add_done_callback(finish)
    return closed
