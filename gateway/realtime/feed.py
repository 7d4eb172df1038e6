"""From the broker to the hub: realtime messages."""

import asyncio
from collections import OrderedDict
from typing import Any
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.realtime.hub import Hub
from gateway.realtime.resume import live, resync
from shared.messaging import broker, topology
from shared.messaging.broker import BrokerAwayError
from shared.observability.health import Health
from shared.observability.log import logger

SECONDS = 10.0
MOST_WAITING = 10_000
REMEMBERED = 5_000  # messages: one that comes again, after a crash of its sender, does so soon
RANDOM_BITS = (1 << 62) - 1  # of a UUIDv7 (RFC 9562, section 5.7): those that stay when a message is sent again
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
    """One exclusive queue of this process; it goes with the connection, so a lost one leaves nothing behind."""

    def __init__(self, amqp_url: str, hub: Hub, health: Health) -> None:
        self._amqp_url = amqp_url
        self._hub = hub
        self._health = health
        self.queue: AbstractQueue | None = None
        self._known: OrderedDict[tuple[int, str], None] = OrderedDict()

    async def run(self) -> None:
        """Until the connection is lost. Messages are not kept for a gateway that is not there, so after an interruption
        everybody is told to load anew what they show."""
        interrupted = self.queue is not None
        async with broker.connection(self._amqp_url, "gateway feed") as connection:
            channel = await connection.channel()
            self.queue = await _declare(channel)
            gone = await lost(channel)
            await self.queue.consume(self._receive, no_ack=True, timeout=SECONDS)
            self._health.up("feed")
            telling = asyncio.create_task(self._tell_of_interruption(interrupted))
            try:
                await gone
            finally:
                telling.cancel()
        raise BrokerAwayError("the broker stopped delivering")

    async def _tell_of_interruption(self, interrupted: bool) -> None:
        if interrupted:
            await self._hub.tell_all(resync("feed_interrupted"), SPREAD_SECONDS)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        try:
            self._hand_out(message.body)
        except ValidationError as error:
            log.warning("realtime_message_unreadable", errors=error.error_count())

    def _hand_out(self, body: bytes) -> None:
        message = REALTIME.validate_json(body)
        key = (message.id.int & RANDOM_BITS, " ".join(message.audience))
        if key in self._known:
            return
        self._known[key] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self._hub.publish(message.audience, live(str(message.id), message.type, message.time, message.data))


async def _declare(channel: AbstractChannel) -> AbstractQueue:
    await topology.declare_exchanges(channel)
    queue = await channel.declare_queue(
        exclusive=True, auto_delete=True, arguments={"x-max-length": MOST_WAITING}, timeout=SECONDS
    )
    await queue.bind(topology.REALTIME, timeout=SECONDS)
    return queue


async def lost(channel: AbstractChannel) -> asyncio.Future[None]:
    """Done once the channel closes or the broker takes the queue away."""
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take_away(_: object) -> None:
        if not gone.done():
            gone.set_result(None)

    wire = await broker.wire(channel)
    wire.on_consumer_cancel_callbacks.add(take_away)
    wire.closing.add_done_callback(take_away)
    return gone
